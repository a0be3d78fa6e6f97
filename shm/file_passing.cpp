#include "shm/file_passing.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/passed_descriptors.h"

namespace pairloom::shm {
namespace {

// One file in the data of a message; descriptors come in the same order, for those without an error.
struct Entry {
  uint64_t task_id;
  int32_t error;
  uint32_t drop_behind;  // 0 or 1
  StatIdentity identity;
};
static_assert(sizeof(Entry) == 56);

struct Message {
  std::array<Entry, kFilesAtOnce> entries{};
  DescriptorRoom<kFilesAtOnce> room;
};

// More files of this user are on their way than it may have open: others must take theirs first, and no event says when
// they have.
constexpr int kRetryMs = 2;

}  // namespace

Result<FileSockets> make_file_sockets() {
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail_errno("cannot make a socket pair", errno);
  FileSockets sockets{Fd(ends[0]), Fd(ends[1])};
  const int smallest = 1;  // the kernel rounds up to what it needs for a few messages
  if (::setsockopt(sockets.opener.get(), SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest) != 0)
    return fail_errno("cannot bound a socket", errno);
  return sockets;
}

Result<> FileSender::send() {
  if (files_.empty()) return {};
  Message message;
  std::array<int, kFilesAtOnce> descriptors;
  size_t descriptor_count = 0;
  const size_t count = std::min(files_.size(), kFilesAtOnce);
  for (size_t i = 0; i < count; ++i) {
    message.entries[i] = {files_[i].task_id, files_[i].error, files_[i].drop_behind ? 1u : 0u, files_[i].identity};
    if (files_[i].fd) descriptors[descriptor_count++] = files_[i].fd.get();
  }
  iovec data{message.entries.data(), count * sizeof(Entry)};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  attach_descriptors(header, message.room.bytes, std::span(descriptors).first(descriptor_count));
  while (::sendmsg(socket_.get(), &header, MSG_NOSIGNAL) < 0) {
    if (errno == EPIPE || errno == ECONNRESET) break;
    if (errno == ETOOMANYREFS) ::poll(nullptr, 0, kRetryMs);
    else if (errno != EINTR) return fail_errno("cannot pass files to the worker", errno);
  }
  files_.erase(files_.begin(), files_.begin() + static_cast<std::ptrdiff_t>(count));
  return {};
}

Result<PassedFile> FileReceiver::take(uint64_t task_id) {
  while (files_.empty()) PAIRLOOM_TRY(receive());
  PassedFile file = std::move(files_.front());
  files_.pop_front();
  if (file.task_id != task_id)
    return fail(Errc::kProtocol, fmt::format("the opener passed the file of task {}, not of {}", file.task_id, task_id));
  return file;
}

Result<> FileReceiver::receive() {
  Message message;
  iovec data{message.entries.data(), sizeof message.entries};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  ssize_t got = 0;
  do {
    expect_descriptors(header, message.room.bytes);
    got = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got == 0 || (got < 0 && errno == ECONNRESET)) return fail(Errc::kInterrupted, "the opener is gone");
  if (got < 0) return fail_errno("cannot receive files", errno);

  std::vector<Fd> descriptors = take_descriptors(header);
  if ((header.msg_flags & MSG_CTRUNC) != 0) return fail(Errc::kIo, "files were lost: too many are open in this process");
  if (static_cast<size_t>(got) % sizeof(Entry) != 0) return fail(Errc::kProtocol, "files came with half an entry");
  auto next = descriptors.begin();
  for (size_t i = 0; i < static_cast<size_t>(got) / sizeof(Entry); ++i) {
    const Entry& entry = message.entries[i];
    PassedFile file{entry.task_id, Fd(), entry.error, entry.identity, entry.drop_behind != 0};
    if (file.error == 0) {
      if (next == descriptors.end()) return fail(Errc::kProtocol, "a file came without its descriptor");
      file.fd = std::move(*next++);
    }
    files_.push_back(std::move(file));
  }
  return {};
}

}  // namespace pairloom::shm

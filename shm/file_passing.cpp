#include "shm/file_passing.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace pairloom::shm {
namespace {

// One file in the data of a message; descriptors come in the same order, for those without an error.
struct Entry {
  uint64_t task_id;
  int32_t error;
  uint32_t reserved;  // 0
};
static_assert(sizeof(Entry) == 16);

struct Message {
  std::array<Entry, kFilesAtOnce> entries{};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kFilesAtOnce * sizeof(int))> control{};
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
    message.entries[i] = {files_[i].task_id, files_[i].error, 0};
    if (files_[i].fd) descriptors[descriptor_count++] = files_[i].fd.get();
  }
  iovec data{message.entries.data(), count * sizeof(Entry)};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  if (descriptor_count > 0) {
    header.msg_control = message.control.data();
    header.msg_controllen = CMSG_SPACE(descriptor_count * sizeof(int));
    cmsghdr* part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(descriptor_count * sizeof(int));
    std::memcpy(CMSG_DATA(part), descriptors.data(), descriptor_count * sizeof(int));
  }
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
    header.msg_control = message.control.data();
    header.msg_controllen = message.control.size();
    got = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got == 0 || (got < 0 && errno == ECONNRESET)) return fail(Errc::kInterrupted, "the opener is gone");
  if (got < 0) return fail_errno("cannot receive files", errno);

  std::deque<Fd> descriptors;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    for (size_t at = 0; at + sizeof(int) <= part->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(part) + at, sizeof descriptor);
      descriptors.emplace_back(descriptor);
    }
  }
  if ((header.msg_flags & MSG_CTRUNC) != 0) return fail(Errc::kIo, "files were lost: too many are open in this process");
  if (static_cast<size_t>(got) % sizeof(Entry) != 0) return fail(Errc::kProtocol, "files came with half an entry");
  for (size_t i = 0; i < static_cast<size_t>(got) / sizeof(Entry); ++i) {
    PassedFile file{message.entries[i].task_id, Fd(), message.entries[i].error};
    if (file.error == 0) {
      if (descriptors.empty()) return fail(Errc::kProtocol, "a file came without its descriptor");
      file.fd = std::move(descriptors.front());
      descriptors.pop_front();
    }
    files_.push_back(std::move(file));
  }
  return {};
}

}  // namespace pairloom::shm

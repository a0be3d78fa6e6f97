#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "base/fd.h"
#include "search/code_file.h"
#include "search/code_layout.h"

namespace pairloom::search {

namespace {

constexpr uint64_t kGrowBytes = 2 << 20;

Result<> write_at(int fd, const void* data, size_t size, uint64_t offset, const std::string& path) {
  const auto* from = static_cast<const std::byte*>(data);
  while (size > 0) {
    const ssize_t n = ::pwrite(fd, from, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("cannot write '" + path + "'", errno);
    from += n;
    offset += static_cast<uint64_t>(n);
    size -= static_cast<size_t>(n);
  }
  return {};
}

Result<> sync_data(int fd, const std::string& path) {
  if (::fdatasync(fd) != 0) return fail_errno("cannot sync '" + path + "'", errno);
  return {};
}

Result<> sync_directory_of(const std::string& path) {
  const std::string directory = (std::filesystem::path(path).parent_path() / ".").string();
  const Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return fail_errno("cannot sync '" + directory + "'", errno);
  return {};
}

Result<> write_slot(int fd, HeaderSlot& slot, const std::string& path) {
  slot.checksum = checksum_of(slot);
  return write_at(fd, &slot, sizeof slot, slot.sequence % kSlotCount * kSlotStride, path);
}

// An empty file under a temporary name, complete and synced before it takes the place of whatever is there: readers
// that have mapped the old one keep it, and a crash leaves either.
Result<Fd> create_empty(const std::string& path, HeaderSlot& header) {
  const std::string temporary = path + ".new";
  Fd fd(::open(temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd) return fail_errno("cannot create '" + temporary + "'", errno);
  if (::ftruncate(fd.get(), static_cast<off_t>(kHeaderBytes)) != 0) {
    return fail_errno("cannot write '" + temporary + "'", errno);
  }
  PAIRLOOM_TRY(write_slot(fd.get(), header, temporary));
  PAIRLOOM_TRY(sync_data(fd.get(), temporary));
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail_errno("cannot create '" + path + "'", errno);
  PAIRLOOM_TRY(sync_directory_of(path));
  return fd;
}

}  // namespace

struct CodeFileWriter::State {
  State(std::string file_path, int bits) : path(std::move(file_path)), layout(bits), tail(layout.bytes()) {}

  std::string path;
  Fd fd;
  BlockLayout layout;
  HeaderSlot header;            // as published
  uint64_t count = 0;           // published + appended
  uint64_t written = 0;         // of those, in the file
  std::vector<std::byte> tail;  // the block that holds position count - 1, as it will be in the file
  bool failed = false;

  uint64_t tail_block() const { return count == 0 ? 0 : (count - 1) / kBlockCodes; }
  bool tail_is_full() const { return count != 0 && count % kBlockCodes == 0; }
  uint64_t tail_checksum() const {
    return count % kBlockCodes == 0 ? 0 : checksum_of_block(tail.data(), layout, count % kBlockCodes);
  }
  Result<> grow(uint64_t size);
  Result<> write_tail();
  Result<> open_existing(Algorithm algorithm, uint64_t index_id, uint64_t generation);
  Result<> publish();
};

// Makes the file at least `size` bytes long, by writing zeros in large aligned pieces: then Linux takes large pages for
// it in the page cache, and mapping it costs a fifth (docs/code_file.md, "Writing").
Result<> CodeFileWriter::State::grow(uint64_t size) {
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return fail_errno("cannot stat '" + path + "'", errno);
  const auto old_size = static_cast<uint64_t>(st.st_size);
  if (old_size >= size) return {};
  if (size > kGrowBytes) size = (size + kGrowBytes - 1) / kGrowBytes * kGrowBytes;
  // Untouched pages of an anonymous mapping are all the same page of zeros: they take no memory.
  const uint64_t bytes = size - old_size;
  void* zeros = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (zeros == MAP_FAILED) return fail_errno("cannot make room for '" + path + "'", errno);
  const Result<> written_zeros = write_at(fd.get(), zeros, bytes, old_size, path);
  ::munmap(zeros, bytes);
  return written_zeros;
}

// Writes what the file lacks of the tail: never a byte of a published code. Sets `written`.
Result<> CodeFileWriter::State::write_tail() {
  if (written == count) return {};
  const uint64_t block_offset = kHeaderBytes + tail_block() * layout.bytes();
  PAIRLOOM_TRY(grow(block_offset + layout.bytes()));
  const uint64_t first = written - tail_block() * kBlockCodes;
  const uint64_t more = count - written;
  const auto write_entries = [&](uint64_t array_offset, uint64_t entry_bytes) {
    const uint64_t at = array_offset + first * entry_bytes;
    return write_at(fd.get(), tail.data() + at, more * entry_bytes, block_offset + at, path);
  };
  for (uint32_t w = 0; w < layout.words; ++w) PAIRLOOM_TRY(write_entries(layout.word_offset(w), sizeof(uint64_t)));
  PAIRLOOM_TRY(write_entries(layout.content_ids_offset(), sizeof(uint32_t)));
  PAIRLOOM_TRY(write_entries(layout.flags_offset(), sizeof(uint8_t)));
  if (tail_is_full()) {
    const uint64_t seal = checksum_of_block(tail.data(), layout, kBlockCodes);
    PAIRLOOM_TRY(write_at(fd.get(), &seal, sizeof seal, block_offset + layout.seal_offset(), path));
  }
  written = count;
  return {};
}

// Takes over the file if CodeFile::open() finds nothing wrong with it, with the published part of an unfinished last
// block.
Result<> CodeFileWriter::State::open_existing(Algorithm algorithm, uint64_t index_id, uint64_t generation) {
  PAIRLOOM_TRY(CodeFile::open(path, algorithm, index_id, generation));
  fd = Fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) return fail_errno("cannot open '" + path + "'", errno);
  PAIRLOOM_ASSIGN(header, read_header(fd.get(), path));
  count = written = header.published;
  if (count % kBlockCodes == 0) return {};
  const auto offset = static_cast<off_t>(kHeaderBytes + tail_block() * layout.bytes());
  if (::lseek(fd.get(), offset, SEEK_SET) != offset) return fail_errno("cannot read '" + path + "'", errno);
  PAIRLOOM_TRY(read_up_to(fd.get(), tail.data(), tail.size(), "'" + path + "'"));
  return {};
}

Result<> CodeFileWriter::State::publish() {
  PAIRLOOM_TRY(write_tail());
  PAIRLOOM_TRY(sync_data(fd.get(), path));
  HeaderSlot next = header;
  next.sequence += 1;
  next.published = count;
  next.tail_checksum = tail_checksum();
  PAIRLOOM_TRY(write_slot(fd.get(), next, path));  // synced by the next publication, before it writes the other slot
  header = next;
  return {};
}

Result<CodeFileWriter> CodeFileWriter::open(const std::string& path, Algorithm algorithm, uint64_t index_id,
                                            uint64_t generation) {
  const int bits = info(algorithm).bits;
  auto state = std::make_unique<State>(path, bits);
  Result<> existing = state->open_existing(algorithm, index_id, generation);
  if (existing) return CodeFileWriter(std::move(state));
  const Errc why = existing.error().code;
  if (why != Errc::kIndexMissing && why != Errc::kIndexCorrupt) return tl::unexpected(std::move(existing).error());

  state = std::make_unique<State>(path, bits);
  state->header.algorithm = static_cast<uint8_t>(algorithm);
  state->header.bits = static_cast<uint16_t>(bits);
  state->header.index_id = index_id;
  state->header.generation = generation;
  state->header.sequence = 1;
  PAIRLOOM_ASSIGN(state->fd, create_empty(path, state->header));
  return CodeFileWriter(std::move(state));
}

uint64_t CodeFileWriter::size() const {
  return state_->count;
}

Result<> CodeFileWriter::append(uint32_t content_id, const Code& code, uint8_t flags) {
  State& s = *state_;
  if (s.tail_is_full()) PAIRLOOM_TRY(s.write_tail());  // makes room for the next block
  put_entry(s.tail.data(), s.layout, s.count % kBlockCodes, content_id, code, flags);
  ++s.count;
  return {};
}

Result<> CodeFileWriter::publish() {
  State& s = *state_;
  if (s.failed) return fail(Errc::kIo, "cannot write '" + s.path + "' any more after an earlier error");
  if (s.count == s.header.published) return {};
  Result<> published = s.publish();
  s.failed = !published;
  return published;
}

CodeFileWriter::CodeFileWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
CodeFileWriter::CodeFileWriter(CodeFileWriter&&) noexcept = default;
CodeFileWriter& CodeFileWriter::operator=(CodeFileWriter&&) noexcept = default;
CodeFileWriter::~CodeFileWriter() = default;

}  // namespace pairloom::search

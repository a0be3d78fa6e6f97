#include "shm/lane.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>

#include "base/stage_names.h"
#include "shm/invariant.h"
#include "shm/mirror.h"

namespace pairloom::shm {

static_assert(kStageNames.size() == static_cast<size_t>(Stage::kIdle) + 1);
namespace {

using boost::interprocess::mapped_region;

uint64_t page_bytes() {
  return mapped_region::get_page_size();
}

// One page for LaneControl, the down ring's data, the up ring's data; nothing else, nothing in between.
LaneHeader header_for(uint64_t down_bytes, uint64_t up_bytes, uint32_t slot, uint64_t generation) {
  return LaneHeader{.magic = kLaneMagic,
                    .layout_version = kLaneLayoutVersion,
                    .header_bytes = sizeof(LaneHeader),
                    .lane_bytes = page_bytes() + down_bytes + up_bytes,
                    .generation = generation,
                    .slot = slot,
                    .reserved = 0,
                    .down_offset = page_bytes(),
                    .down_bytes = down_bytes,
                    .up_offset = page_bytes() + down_bytes,
                    .up_bytes = up_bytes};
}

Result<uint64_t> whole_pages(uint64_t bytes) {
  if (bytes == 0 || bytes > kMaxRingBytes)
    return fail(Errc::kInvalidArgument, fmt::format("a ring of {} bytes is not between 1 byte and 1 GiB", bytes));
  return (bytes + page_bytes() - 1) / page_bytes() * page_bytes();
}

Result<Fd> make_memfd(uint64_t bytes, uint32_t slot) {
  const std::string what = fmt::format("cannot make {} bytes of shared memory for worker slot {}", bytes, slot);
  Fd fd(::memfd_create(fmt::format("pairloom-lane-{}", slot).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return fail_errno(what, errno);
  // In full now: a page that cannot be had at its first touch is a SIGBUS. EOPNOTSUPP does not come back: glibc then
  // writes to every block instead.
  int error = 0;
  do {
    error = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(bytes));
  } while (error == EINTR);
  if (error == ENOSPC || error == ENOMEM)
    return fail(Errc::kIo,
                what + ": not enough memory (use fewer workers or smaller rings, or raise the memory limit)");
  if (error != 0) return fail_errno(what, error);
  // The worker holds this fd too: without the seals it could shrink the file under the supervisor, whose next read of a
  // ring would be a SIGBUS.
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return fail_errno(what + ": cannot seal it", errno);
  return fd;
}

Result<> check_header(const LaneHeader& h, uint64_t file_bytes) {
  const auto bad = [](std::string message) { return fail(Errc::kProtocol, "lane header: " + std::move(message)); };
  if (h.magic != kLaneMagic) return bad(fmt::format("magic is {:#018x}, not a pairloom lane", h.magic));
  if (h.layout_version != kLaneLayoutVersion)
    return bad(fmt::format("layout version {}, this build knows {}", h.layout_version, kLaneLayoutVersion));
  if (h.header_bytes != sizeof(LaneHeader))
    return bad(fmt::format("header of {} bytes, expected {}", h.header_bytes, sizeof(LaneHeader)));
  if (h.reserved != 0) return bad("the reserved field is set");
  for (const uint64_t ring_bytes : {h.down_bytes, h.up_bytes})
    if (ring_bytes == 0 || ring_bytes > kMaxRingBytes || ring_bytes % page_bytes() != 0)
      return bad(fmt::format("a ring of {} bytes is not whole pages up to 1 GiB", ring_bytes));
  // There is one valid arrangement for each pair of sizes: page-aligned, in order, without overlap, up to the end.
  const LaneHeader expected = header_for(h.down_bytes, h.up_bytes, h.slot, h.generation);
  if (h.down_offset != expected.down_offset)
    return bad(fmt::format("down ring at offset {}, expected {}", h.down_offset, expected.down_offset));
  if (h.up_offset != expected.up_offset)
    return bad(fmt::format("up ring at offset {}, expected {}", h.up_offset, expected.up_offset));
  if (h.lane_bytes != expected.lane_bytes)
    return bad(fmt::format("lane of {} bytes, its parts add up to {}", h.lane_bytes, expected.lane_bytes));
  if (h.lane_bytes != file_bytes)
    return bad(fmt::format("lane of {} bytes in a file of {} bytes", h.lane_bytes, file_bytes));
  return {};
}

Result<> advise(void* address, size_t bytes, int advice) {
  if (::madvise(address, bytes, advice) != 0) return fail_errno("cannot advise the kernel on shared memory", errno);
  return {};
}

}  // namespace

struct Lane::Mappings {
  enum End : unsigned { kDownProducer = 1, kDownConsumer = 2, kUpProducer = 4, kUpConsumer = 8 };

  Fd fd;
  uint32_t slot;
  uint64_t generation;
  mapped_region control_page;
  MirrorMapping down, up;
  unsigned taken = 0;  // set of End

  LaneControl* control() const { return static_cast<LaneControl*>(control_page.get_address()); }
  void take(End end) {
    require((taken & end) == 0, "each end of a ring is taken once");
    taken |= end;
  }
  Result<> advise_all(int advice) const {
    PAIRLOOM_TRY(advise(control_page.get_address(), control_page.get_size(), advice));
    PAIRLOOM_TRY(advise(down.data(), 2 * down.capacity_bytes(), advice));
    return advise(up.data(), 2 * up.capacity_bytes(), advice);
  }
};

Lane::Lane(std::unique_ptr<Mappings> mappings) : mappings_(std::move(mappings)) {}
Lane::Lane(Lane&&) noexcept = default;
Lane& Lane::operator=(Lane&&) noexcept = default;
Lane::~Lane() = default;

// Maps by a header in private memory, already known to be true. Core dumps leave the rings out: they hold users' paths.
Result<Lane> Lane::map(Fd fd, const LaneHeader& header) {
  PAIRLOOM_ASSIGN(auto control_page, map_shared(fd.get(), 0, page_bytes()));
  PAIRLOOM_ASSIGN(auto down, MirrorMapping::map(fd.get(), header.down_offset, header.down_bytes));
  PAIRLOOM_ASSIGN(auto up, MirrorMapping::map(fd.get(), header.up_offset, header.up_bytes));
  Lane lane(std::unique_ptr<Mappings>(new Mappings{std::move(fd), header.slot, header.generation,
                                                   std::move(control_page), std::move(down), std::move(up)}));
  PAIRLOOM_TRY(lane.mappings_->advise_all(MADV_DONTDUMP));
  return lane;
}

Result<Lane> Lane::create(LaneSizes sizes, uint32_t slot, uint64_t generation) {
  PAIRLOOM_ASSIGN(const uint64_t down_bytes, whole_pages(sizes.down_bytes));
  PAIRLOOM_ASSIGN(const uint64_t up_bytes, whole_pages(sizes.up_bytes));
  const LaneHeader header = header_for(down_bytes, up_bytes, slot, generation);
  PAIRLOOM_ASSIGN(Fd fd, make_memfd(header.lane_bytes, slot));
  PAIRLOOM_ASSIGN(Lane lane, map(std::move(fd), header));
  // A worker must not inherit the other workers' lanes, not even between fork and exec.
  PAIRLOOM_TRY(lane.mappings_->advise_all(MADV_DONTFORK));
  ::new (lane.mappings_->control()) LaneControl{.header = header, .worker = {}, .down = {}, .up = {}};
  return lane;
}

Result<Lane> Lane::open(Fd fd) {
  static_assert(sizeof(LaneControl) <= 4096, "the control structures fit into the smallest page");
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0) return fail(Errc::kProtocol, "the lane's descriptor is not a memfd");
  if ((seals & F_SEAL_SHRINK) == 0) return fail(Errc::kProtocol, "the lane's memfd is not sealed against shrinking");
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) return fail_errno("cannot stat the lane", errno);
  const auto file_bytes = static_cast<uint64_t>(status.st_size);
  LaneHeader header;  // a private copy: what is checked is what is used
  const ssize_t got = ::pread(fd.get(), &header, sizeof(header), 0);
  if (got < 0) return fail_errno("cannot read the lane's header", errno);
  if (static_cast<size_t>(got) != sizeof(header))
    return fail(Errc::kProtocol, fmt::format("a lane of {} bytes is too short for its header", file_bytes));
  PAIRLOOM_TRY(check_header(header, file_bytes));
  return map(std::move(fd), header);
}

int Lane::fd() const {
  return mappings_->fd.get();
}
uint32_t Lane::slot() const {
  return mappings_->slot;
}
uint64_t Lane::generation() const {
  return mappings_->generation;
}
WorkerState& Lane::worker_state() {
  return mappings_->control()->worker;
}

RingProducer Lane::down_producer() {
  mappings_->take(Mappings::kDownProducer);
  return RingProducer(&mappings_->control()->down, mappings_->down.data(), mappings_->down.capacity_bytes());
}

RingConsumer Lane::down_consumer() {
  mappings_->take(Mappings::kDownConsumer);
  return RingConsumer(&mappings_->control()->down, mappings_->down.data(), mappings_->down.capacity_bytes());
}

RingProducer Lane::up_producer() {
  mappings_->take(Mappings::kUpProducer);
  return RingProducer(&mappings_->control()->up, mappings_->up.data(), mappings_->up.capacity_bytes());
}

RingConsumer Lane::up_consumer() {
  mappings_->take(Mappings::kUpConsumer);
  return RingConsumer(&mappings_->control()->up, mappings_->up.data(), mappings_->up.capacity_bytes());
}

}  // namespace pairloom::shm

#include "workerproc/worker_job.h"

#include <fmt/format.h>
#include <algorithm>
#include <cstring>

#include "base/clock.h"

namespace pairloom::workerproc {
namespace {

// No more than the work that is queued behind (daemon/slot.h, kChunkNs), so that nobody idles for want of a wake-up; much more
// than a small picture takes: a wake-up for each of them would cost the cores a twentieth of their time. A chunk of pictures
// that take next to nothing wakes the supervisor when it is done (loop.cpp).
constexpr int64_t kWakeEveryNs = 20'000'000;
constexpr size_t kPartBytes = 256 * 1024;  // a quarter of the ring: the worker goes on while the supervisor takes

}  // namespace

TaskContext::TaskContext(shm::WorkerChannel& channel, shm::FileReceiver& files, uint64_t task_id,
                         int64_t& last_wake_ns)
    : channel_(channel), files_(files), task_id_(task_id), start_ns_(system_clock().monotonic_ns()), last_wake_ns_(last_wake_ns) {}

Result<> TaskContext::send(std::span<const std::byte> payload, bool last) {
  const uint64_t bytes = sizeof(shm::ResultHeader) + payload.size();
  PAIRLOOM_ASSIGN(const auto room, channel_.reserve(bytes));
  const int64_t now_ns = system_clock().monotonic_ns();
  const shm::ResultHeader header{task_id_, last ? shm::kResultIsLast : 0, static_cast<uint32_t>(payload.size()),
                                 static_cast<uint64_t>(now_ns - start_ns_)};
  std::memcpy(room.data(), &header, sizeof header);
  if (!payload.empty()) std::memcpy(room.data() + sizeof header, payload.data(), payload.size());
  const bool wake = now_ns - last_wake_ns_ >= kWakeEveryNs;
  if (wake) last_wake_ns_ = now_ns;
  using Wake = shm::WorkerChannel::Wake;
  auto sent = channel_.commit(static_cast<uint32_t>(shm::RecordKind::kResult), bytes, wake ? Wake::kNow : Wake::kLater);
  // A full ring is counted where it is waited for, and without a wake-up there is less to count than a look at the clock takes.
  if (wake) end_stage(shm::Stage::kRing, now_ns);
  return sent;
}

Result<> TaskContext::send_in_parts(std::span<const std::byte> payload) {
  while (payload.size() > kPartBytes) {
    PAIRLOOM_TRY(send(payload.first(kPartBytes), false));
    payload = payload.subspan(kPartBytes);
    report_progress();
  }
  return send(payload, true);
}

void TaskContext::report_progress() {
  shm::add(channel_.state().heartbeat, 1);
}

void TaskContext::add_bytes_read(uint64_t bytes) {
  shm::add(channel_.state().bytes_read, bytes);
}

void TaskContext::announce_format(ImageFormat format) {
  channel_.state().format.store(static_cast<uint64_t>(format), std::memory_order_relaxed);
}

void TaskContext::add_stage_ns(shm::Stage stage, uint64_t ns) {
  shm::add(channel_.state().stage_ns[static_cast<size_t>(stage)], ns);
}

int64_t TaskContext::end_stage(shm::Stage stage, int64_t began_ns) {
  const int64_t now_ns = system_clock().monotonic_ns();
  add_stage_ns(stage, static_cast<uint64_t>(now_ns - began_ns));
  return now_ns;
}

TaskContext::StageTimer::StageTimer(TaskContext& c, shm::Stage s)
    : context(c), stage(s), start_ns(system_clock().monotonic_ns()) {}

TaskContext::StageTimer::~StageTimer() {
  context.end_stage(stage, start_ns);
}

Result<std::unique_ptr<WorkerJob>> make_job(std::span<const JobMaker> makers, jobs::JobKind kind,
                                            std::span<const std::byte> setup) {
  const auto maker = std::ranges::find(makers, kind, &JobMaker::kind);
  if (maker != makers.end()) return maker->make(setup);
  return fail(Errc::kUnsupported, fmt::format("this program does not do job {}", static_cast<uint32_t>(kind)));
}

}  // namespace pairloom::workerproc

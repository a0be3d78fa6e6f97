#include "daemon/slot.h"

#include <algorithm>
#include <cstring>

namespace pairloom::daemon {
namespace {

void add_state(index::WorkerTotals& totals, const shm::WorkerState& state) {
  totals.tasks += state.tasks_done.load(std::memory_order_relaxed);
  totals.bytes_read += state.bytes_read.load(std::memory_order_relaxed);
  for (size_t i = 0; i < std::size(totals.stage_ns); ++i)
    totals.stage_ns[i] += state.stage_ns[i].load(std::memory_order_relaxed);
}

}  // namespace

Slot::Slot(uint32_t slot_number, int cpu_number, uint32_t chunk_tasks)
    : number(slot_number), cpu(cpu_number), fixed_chunk_tasks(chunk_tasks) {
  totals.slot = slot_number;
}

size_t Slot::chunk_tasks() const {
  if (fixed_chunk_tasks > 0) return fixed_chunk_tasks;
  return std::clamp<size_t>(static_cast<size_t>(kChunkNs / std::max<int64_t>(1, average_task_ns)), 1, kMaxChunkTasks);
}

bool Slot::wants_work() const {
  if (!process || !greeted) return false;
  const bool alone = !outstanding.empty() && outstanding.front().points > 0;  // a suspect runs with nobody behind it
  return !alone && outstanding.size() < chunk_tasks();
}

void Slot::note_task_time(uint64_t elapsed_ns) {
  const auto capped = static_cast<int64_t>(std::min<uint64_t>(elapsed_ns, 3'600'000'000'000));
  average_task_ns += (capped - average_task_ns) / 8;
}

Result<> Slot::start(const WorkerPrograms& programs, shm::LaneSizes sizes, int64_t now_ns) {
  ++generation;
  greeted = useful = in_the_middle = timed_out = false;
  job_serial = 0;
  last_heartbeat = 0;
  last_sign_ns = now_ns;
  watched_task = kNoTask;
  PAIRLOOM_ASSIGN(process, WorkerProcess::start(programs, number, generation, cpu, sizes));
  program = programs.worker;
  rare_decoders = programs.rare_decoders;
  lane_sizes = sizes;
  ++totals.lives;
  return {};
}

Result<bool> Slot::prepare(const Job& job, uint64_t serial) {
  shm::SupervisorChannel& channel = process->channel();
  if (job_serial != serial) {
    const std::vector<std::byte> setup = job.setup();
    const std::span<const int> descriptors = job.shared_descriptors();
    const shm::JobSetupHeader header{static_cast<uint32_t>(job.kind()), static_cast<uint32_t>(setup.size()),
                                     static_cast<uint32_t>(descriptors.size()), 0};
    std::vector<std::byte> record(sizeof header + setup.size());
    std::memcpy(record.data(), &header, sizeof header);
    std::copy(setup.begin(), setup.end(), record.begin() + sizeof header);
    PAIRLOOM_ASSIGN(const bool sent, channel.push(static_cast<uint32_t>(shm::RecordKind::kJobSetup), record, descriptors));
    if (!sent) return false;
    job_serial = serial;
    references_sent = 0;
  }
  for (; references_sent < job.references().size(); ++references_sent) {
    PAIRLOOM_ASSIGN(const bool sent, channel.push(static_cast<uint32_t>(shm::RecordKind::kDescriptorSet),
                                                  job.references()[references_sent]));
    if (!sent) return false;
  }
  return true;
}

Result<bool> Slot::give(const Job& job, uint64_t serial, uint64_t chunk_id, std::span<Task> tasks,
                        shm::ChunkBuilder& builder) {
  PAIRLOOM_ASSIGN(const bool prepared, prepare(job, serial));
  if (!prepared) return false;
  builder.clear(chunk_id);
  for (const Task& task : tasks) builder.add(task.id, task.payload);
  PAIRLOOM_ASSIGN(const bool sent,
                  process->channel().push(static_cast<uint32_t>(shm::RecordKind::kChunk), builder.bytes()));
  if (!sent) return false;
  builder.clear(chunk_id);
  for (const Task& task : tasks) {
    const std::string_view path = job.file_of(task);
    if (!path.empty()) builder.add(task.id, std::as_bytes(std::span(path)));
  }
  if (builder.task_count() > 0) PAIRLOOM_TRY(process->open_files(builder.bytes()));
  for (Task& task : tasks) outstanding.push_back(std::move(task));
  return true;
}

bool Slot::is_overdue(int64_t now_ns, int64_t deadline_ns, int64_t limit_ns) {
  const uint64_t heartbeat = process->channel().state().heartbeat.load(std::memory_order_relaxed);
  const bool idle = outstanding.empty() && greeted;
  if (heartbeat != last_heartbeat || idle) {
    last_heartbeat = heartbeat;
    last_sign_ns = now_ns;
  }
  if (idle || outstanding.empty() || outstanding.front().id != watched_task) {
    watched_task = outstanding.empty() ? kNoTask : outstanding.front().id;
    watched_since_ns = now_ns;
  }
  const int64_t patience_ns = greeted ? deadline_ns : std::max(deadline_ns, kStartDeadlineNs);
  return now_ns - last_sign_ns > patience_ns || now_ns - watched_since_ns > limit_ns;
}

Death Slot::bury() {
  const Death death = process->end();  // it may only have closed its socket
  add_state(totals, process->channel().state());
  process.reset();
  has_more = false;
  return death;
}

void Slot::plan_restart(bool was_at_a_task, bool was_killed, int64_t now_ns) {
  if (useful || was_at_a_task) {
    start_points = 0;
    backoff_ns = 0;
  } else {
    if (start_points == 0) in_trouble_since_ns = now_ns;
    start_points += was_killed ? kPointsOfKilledStart : kPointsOfFailedStart;
    if (now_ns - in_trouble_since_ns > kHopelessNs) start_points = std::max(start_points, kHopelessPoints);
    backoff_ns = std::clamp(backoff_ns * 2, kFirstBackoffNs, kMaxBackoffNs);
  }
  restart_at_ns = now_ns + backoff_ns;
}

index::WorkerTotals Slot::totals_now() {
  index::WorkerTotals all = totals;
  if (process) add_state(all, process->channel().state());
  return all;
}

}  // namespace pairloom::daemon

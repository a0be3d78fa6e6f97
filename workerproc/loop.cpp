#include "workerproc/loop.h"

#include <unistd.h>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/version.h"
#include "shm/records.h"
#include "workerproc/decode/decode.h"
#include "workerproc/worker_job.h"

namespace pairloom::workerproc {
namespace {

Result<> say_hello(shm::WorkerChannel& channel, uint32_t sandbox_level) {
  const shm::HelloHeader hello{shm::kLaneLayoutVersion, kBuildId, channel.lane().generation(),
                               static_cast<uint32_t>(::getpid()), sandbox_level};
  std::vector<std::byte> record(sizeof hello);
  std::memcpy(record.data(), &hello, sizeof hello);
  for (const DecoderInfo& decoder : decoders()) {
    const std::string line = fmt::format("{}\t{}\n", static_cast<int>(decoder.format), decoder.library);
    const auto bytes = std::as_bytes(std::span(line));
    record.insert(record.end(), bytes.begin(), bytes.end());
  }
  return channel.push(static_cast<uint32_t>(shm::RecordKind::kHello), record);
}

Result<std::unique_ptr<WorkerJob>> set_up(shm::WorkerChannel& channel, std::span<const JobMaker> makers,
                                          std::span<const std::byte> payload) {
  shm::JobSetupHeader header;
  if (payload.size() < sizeof header) return fail(Errc::kProtocol, "job set-up is too short");
  std::memcpy(&header, payload.data(), sizeof header);
  if (header.payload_bytes != payload.size() - sizeof header)
    return fail(Errc::kProtocol, "job set-up has a wrong length");
  PAIRLOOM_ASSIGN(auto job, make_job(makers, static_cast<jobs::JobKind>(header.job), payload.subspan(sizeof header)));
  for (uint32_t i = 0; i < header.descriptor_count; ++i) {
    PAIRLOOM_ASSIGN(Fd descriptor, channel.take_descriptor());
    PAIRLOOM_TRY(job->take_descriptor(std::move(descriptor)));
  }
  return job;
}

Result<> do_task(shm::WorkerChannel& channel, shm::FileReceiver& files, WorkerJob& job, const shm::TaskView& task,
                 int64_t& last_wake_ns) {
  shm::WorkerState& state = channel.state();
  // Before anything of the task is touched: from here on a death is blamed on it.
  state.format.store(0, std::memory_order_relaxed);
  state.current_task.store(task.task_id + 1, std::memory_order_release);
  shm::add(state.heartbeat, 1);
  TaskContext context(channel, files, task.task_id, last_wake_ns);
  PAIRLOOM_TRY(job.run(task, context));
  state.current_task.store(0, std::memory_order_release);
  shm::add(state.tasks_done, 1);
  return {};
}

}  // namespace

Result<> serve(shm::WorkerChannel& channel, shm::FileReceiver& files, std::span<const JobMaker> makers,
               uint32_t sandbox_level) {
  PAIRLOOM_TRY(say_hello(channel, sandbox_level));
  std::unique_ptr<WorkerJob> job;
  int64_t last_wake_ns = 0;
  while (true) {
    auto record = channel.wait_record();
    if (!record) {
      if (record.error().code == Errc::kInterrupted) return {};  // the supervisor closed the lane: the normal end
      return tl::unexpected(std::move(record.error()));
    }
    switch (static_cast<shm::RecordKind>(record->kind)) {
      case shm::RecordKind::kJobSetup: {
        PAIRLOOM_ASSIGN(job, set_up(channel, makers, record->payload));
        break;
      }
      case shm::RecordKind::kDescriptorSet: {
        if (!job) return fail(Errc::kProtocol, "a descriptor set came before its job");
        PAIRLOOM_ASSIGN(const auto reference, shm::parse_descriptor_set(record->payload));
        PAIRLOOM_TRY(job->take_reference(reference));
        break;
      }
      case shm::RecordKind::kChunk: {
        if (!job) return fail(Errc::kProtocol, "a chunk came before its job");
        // The chunk stays in the ring until it is done: the slot is the lease.
        PAIRLOOM_ASSIGN([[maybe_unused]] const auto header,
                        shm::parse_chunk(record->payload, [&](const shm::TaskView& task) {
                          return do_task(channel, files, *job, task, last_wake_ns);
                        }));
        PAIRLOOM_TRY(channel.wake_supervisor());  // its results may be taken, and the next chunk made
        last_wake_ns = system_clock().monotonic_ns();
        break;
      }
      default:
        return fail(Errc::kProtocol, fmt::format("unexpected record of kind {}", record->kind));
    }
    PAIRLOOM_TRY(channel.pop());
  }
}

}  // namespace pairloom::workerproc

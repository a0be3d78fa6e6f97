// Pool: what workers say, and how they end. Runs in: supervisor.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstring>

#include "base/sandbox_level.h"
#include "base/version.h"
#include "daemon/pool_state.h"
#include "shm/file_passing.h"

namespace pairloom::daemon {
namespace {

constexpr int kMaxRecordsAtOnce = 64;  // much less than a worker has in hand when they come quickly

// Said before the worker has seen a byte of any file, and yet read as a
// stranger's words.
Result<DecoderNames> read_decoder_names(std::span<const std::byte> bytes) {
  DecoderNames names;
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    size_t format = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), format);
    const std::string_view name(end, line.data() + line.size());
    const bool printable = std::all_of(name.begin() + (name.empty() ? 0 : 1), name.end(),
                                       [](char c) { return c >= ' ' && c <= '~'; });
    if (error != std::errc() || format >= names.size() || !name.starts_with('\t') || !printable)
      return fail(Errc::kProtocol, "hello with a malformed list of decoders");
    names[format] = name.substr(1);
  }
  return names;
}

}  // namespace

// It has woken us.
Result<> Pool::State::listen(Slot& slot) {
  const auto open = slot.process->channel().drain_wakeups();
  PAIRLOOM_TRY(take_records(slot));
  const bool has_ended = !open || !*open;
  return has_ended && slot.process ? lost(slot, false, "") : Result<>{};  // it may have been lost as a liar
}

// What the worker has for us, or a part of it: meanwhile it may have run out of work, and others have something to say, too.
Result<> Pool::State::take_records(Slot& slot) {
  shm::SupervisorChannel& channel = slot.process->channel();
  const uint64_t most =
      std::max<uint64_t>(shm::kMaxHelloBytes, sizeof(shm::ResultHeader) + job->max_result_bytes());
  slot.has_more = false;
  for (int taken = 0; taken < kMaxRecordsAtOnce; ++taken) {
    const auto kind = channel.take(record, most);
    if (!kind) return lost(slot, true, kind.error().message);
    if (!*kind) return {};
    const auto handled = on_record(slot, **kind);
    if (!handled && handled.error().code == Errc::kProtocol) return lost(slot, true, handled.error().message);
    PAIRLOOM_TRY(handled);
  }
  slot.has_more = true;
  return {};
}

Result<> Pool::State::on_record(Slot& slot, uint32_t kind) {
  if (kind == static_cast<uint32_t>(shm::RecordKind::kHello)) return on_hello(slot);
  if (kind == static_cast<uint32_t>(shm::RecordKind::kResult) && slot.greeted) return on_result(slot);
  return fail(Errc::kProtocol, fmt::format("record of kind {} was not expected", kind));
}

Result<> Pool::State::on_hello(Slot& slot) {
  shm::HelloHeader hello;
  if (record.size() < sizeof hello || slot.greeted) return fail(Errc::kProtocol, "misplaced or malformed hello");
  std::memcpy(&hello, record.data(), sizeof hello);
  if (hello.layout_version != shm::kLaneLayoutVersion || hello.build_id != kBuildId)
    return fail(Errc::kNoWorkers,
                fmt::format("'{}' is of another version of pairloom; install all of one version", programs.worker));
  if ((hello.sandbox_level & ~kSandboxSteps) != 0) return fail(Errc::kProtocol, "hello with an unknown sandbox level");
  if (options.require_sandbox && hello.sandbox_level != kSandboxSteps)
    return fail(Errc::kRefused,
                fmt::format("the sandbox of the workers is not complete here ({}), and --require-sandbox was given; "
                            "'pairloom doctor' says more",
                            describe_sandbox(hello.sandbox_level)));
  slot.totals.sandbox_level = hello.sandbox_level;
  if (hello.generation != slot.generation) return fail(Errc::kProtocol, "hello from another life");
  PAIRLOOM_ASSIGN(decoder_names, read_decoder_names(std::span(record).subspan(sizeof hello)));
  slot.greeted = true;
  return {};
}

Result<> Pool::State::on_result(Slot& slot) {
  PAIRLOOM_ASSIGN(const auto result, shm::parse_result(record));
  // Tasks are done in the order they were given: a result can only be of the first.
  if (slot.outstanding.empty() || slot.outstanding.front().id != result.header.task_id)
    return fail(Errc::kProtocol, "result of a task it is not at");
  const bool last = (result.header.flags & shm::kResultIsLast) != 0;
  PAIRLOOM_TRY(job->accept(slot.outstanding.front(), result.payload,
                           {slot.number, result.header.elapsed_ns, !slot.in_the_middle, last}));
  slot.useful = true;
  slot.in_the_middle = !last;
  if (!last) return {};
  slot.note_task_time(result.header.elapsed_ns);
  slot.outstanding.pop_front();
  return {};
}

// The worker's life is over, by its own doing, ours, or somebody's: take what it finished, blame what it was at,
// requeue the rest in front.
Result<> Pool::State::lost(Slot& slot, bool lied, const std::string& why) {
  if (!lied) {
    // Its last words are still in the ring. (A liar's are not worth hearing.)
    const uint64_t most = sizeof(shm::ResultHeader) + job->max_result_bytes();
    while (true) {
      const auto kind = slot.process->channel().take(record, most);
      if (!kind || !*kind) break;
      const auto handled = on_record(slot, **kind);
      if (!handled && handled.error().code == Errc::kProtocol) break;
      PAIRLOOM_TRY(handled);
    }
  }
  const uint64_t at = slot.process->channel().state().current_task.load(std::memory_order_acquire);
  const uint64_t format = slot.process->channel().state().format.load(std::memory_order_relaxed);
  const bool timed_out = slot.timed_out, useful = slot.useful;
  const Death death = slot.bury();
  if (!lied && !timed_out && is_wish_for_decoders(slot, death)) return grant_decoders(slot);
  ++deaths;
  const bool knows_not_the_job = !death.by_signal && !death.of_opener && death.code == shm::kExitForUnknownJob;
  last_death = lied               ? "it broke the protocol: " + why
               : knows_not_the_job ? fmt::format("'{}' is not the program for this job; install pairloom completely", slot.program)
                                   : death.text();

  std::deque<Task> left = std::move(slot.outstanding);
  slot.outstanding.clear();
  // Only the first can be in hand. A worker that names another one has finished something and then went wrong (nobody
  // is left to blame), or has never told the truth: then the first is blamed, so that no file can go round for ever.
  const bool names_first = !left.empty() && at == left.front().id + 1;
  // An opener that ends by itself before it has been of any use is no file's fault.
  const bool useless_opener = death.of_opener && !death.by_signal && !useful;
  const bool was_at_a_task =
      !useless_opener && (names_first || (!left.empty() && (lied || at != 0) && !useful));
  const bool killed = death.by_signal && death.code == SIGKILL;
  const bool unexplained = killed && !timed_out && !lied;
  slot.plan_restart(was_at_a_task, unexplained, clock.monotonic_ns());
  if (was_at_a_task) {
    Task blamed = std::move(left.front());
    left.pop_front();
    blamed.signal = death.by_signal ? death.code : 0;
    blamed.decoder = format < decoder_names.size() ? decoder_names[format] : "";
    PAIRLOOM_TRY(charge(std::move(blamed), unexplained ? kPointsOfKill : kPointsOfCrash,
                        timed_out ? Outcome::kTimedOut : Outcome::kCrashed,
                        timed_out ? fmt::format("no progress for {} s", options.task_deadline_s)
                                  : "its worker was lost: " + last_death));
  }
  while (!left.empty()) {
    ready.push_front(std::move(left.back()));
    left.pop_back();
  }
  if (is_hopeless()) return fail(Errc::kNoWorkers, "workers end before they do anything; the last one: " + last_death);
  return {};
}

// Once in the life of a slot at most: a worker that has the decoders and ends so all the same has crashed.
bool Pool::State::is_wish_for_decoders(const Slot& slot, const Death& death) {
  return !death.by_signal && death.code == shm::kExitForRareDecoders && !slot.rare_decoders && !slot.in_the_middle;
}

// Not a death but a wish, and nobody's fault: all that it had in hand is dealt again, to workers that can read it.
Result<> Pool::State::grant_decoders(Slot& slot) {
  programs.rare_decoders = true;
  while (!slot.outstanding.empty()) {
    Task task = std::move(slot.outstanding.back());
    slot.outstanding.pop_back();
    (task.points > 0 ? suspects : ready).push_front(std::move(task));
  }
  slot.restart_at_ns = clock.monotonic_ns();
  return {};
}

Result<> Pool::State::charge(Task task, uint32_t points, Outcome outcome, const std::string& reason) {
  task.points += points;
  if (task.points >= kPointsToGiveUp) return job->give_up(task, outcome, reason);
  PAIRLOOM_TRY(job->blame(task, task.points));
  suspects.push_back(std::move(task));
  return {};
}

Result<> Pool::State::check_deadlines(int64_t now) {
  const auto deadline = static_cast<int64_t>(options.task_deadline_s * 1e9);
  const auto limit = static_cast<int64_t>(options.task_limit_s * 1e9);
  for (Slot& slot : slots) {
    if (!slot.process) continue;
    if (slot.timed_out) {
      // Its end comes as an event, unless it hangs in the kernel: then nobody waits for it.
      if (now - slot.killed_at_ns > kDyingNs) PAIRLOOM_TRY(lost(slot, false, ""));
    } else if (slot.is_overdue(now, deadline, limit)) {
      slot.timed_out = true;
      slot.killed_at_ns = now;
      slot.process->kill();
    }
  }
  return {};
}

}  // namespace pairloom::daemon

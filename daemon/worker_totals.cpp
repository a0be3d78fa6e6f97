#include "daemon/worker_totals.h"

#include <algorithm>
#include <iterator>

namespace pairloom::daemon {
namespace {

auto of_slot(uint32_t slot) {
  return [slot](const index::WorkerTotals& worker) { return worker.slot == slot; };
}

}  // namespace

std::vector<index::WorkerTotals> difference(std::span<const index::WorkerTotals> now,
                                            std::span<const index::WorkerTotals> before) {
  std::vector<index::WorkerTotals> done(now.begin(), now.end());
  for (index::WorkerTotals& worker : done) {
    const auto then = std::find_if(before.begin(), before.end(), of_slot(worker.slot));
    if (then == before.end()) continue;
    // A worker that goes on was a life of the time before, too.
    worker.lives = std::max(worker.lives - then->lives, worker.tasks > then->tasks ? 1u : 0u);
    worker.tasks -= then->tasks;
    worker.bytes_read -= then->bytes_read;
    for (size_t i = 0; i < std::size(worker.stage_ns); ++i) worker.stage_ns[i] -= then->stage_ns[i];
  }
  return done;
}

void add_to(std::vector<index::WorkerTotals>& sum, std::span<const index::WorkerTotals> more) {
  for (const index::WorkerTotals& worker : more) {
    const auto same = std::find_if(sum.begin(), sum.end(), of_slot(worker.slot));
    if (same == sum.end()) {
      sum.push_back(worker);
      continue;
    }
    same->lives += worker.lives;
    same->sandbox_level = worker.sandbox_level;
    same->tasks += worker.tasks;
    same->bytes_read += worker.bytes_read;
    for (size_t i = 0; i < std::size(worker.stage_ns); ++i) same->stage_ns[i] += worker.stage_ns[i];
  }
}

}  // namespace pairloom::daemon

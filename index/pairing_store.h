// PairingStore: what an index remembers of pairing besides the pairs: how far a pairing that has begun has come, which
// codes have more pairs than are kept, and the groups that SQL's v_groups shows. A connection of its own beside the
// writer's, so its writer must have nothing uncommitted (IndexWriter::commit()). Runs in: supervisor (writes), cli (reads).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/algorithm.h"
#include "base/result.h"
#include "index/rows.h"
#include "search/groups.h"

namespace pairloom::index {

class Database;

// Pairing on its way: what all its tasks have in common, and the tasks, as jobs/pair_job.h encodes them.
struct PairingWork {
  struct Task {
    std::vector<std::byte> payload;
    double share = 0;  // of the whole, estimated
    bool done = false;
  };
  std::vector<std::byte> setup;
  std::vector<Task> tasks;
};

class PairingStore {
 public:
  // Of an index that is there and up to date; to be read only.
  static Result<PairingStore> open(const std::string& index_path);
  explicit PairingStore(Database& database);  // the writer's own, which can write: IndexWriter::pairing_store()
  PairingStore(PairingStore&&) noexcept;
  PairingStore& operator=(PairingStore&&) noexcept;
  ~PairingStore();

  // Pairing that was begun and not finished; empty when there is none. IndexWriter::set_pairing_state() forgets it.
  Result<std::optional<PairingWork>> work(Algorithm algorithm);
  Result<> begin_work(Algorithm algorithm, const PairingWork& work);
  // Tasks whose pairs are committed, and contents that have more pairs than are kept. One transaction; idempotent.
  Result<> note_done(Algorithm algorithm, std::span<const uint64_t> tasks, std::span<const ContentId> crowded);
  Result<uint64_t> crowded_count(Algorithm algorithm);

  // Groups in place of those stored before.
  Result<> put_groups(RunId run, Algorithm algorithm, uint32_t distance, std::span<const search::Group> groups);

  // Contents with a live file that this run or a later one found new, changed or moved; by id. Reads all files.
  Result<std::vector<ContentId>> contents_since(RunId run);

 private:
  struct State;
  explicit PairingStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pairloom::index

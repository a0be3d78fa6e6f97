// A short life of an index that touches everything a writer does, in stages that each end with something durable; and a
// picture of what an index holds, to tell which stages arrived.
#pragma once

#include <functional>
#include <string>

#include "index/writer_state.h"
#include "index_fixture.h"

namespace pairloom::index {

class ScenarioTest : public IndexTest {
 protected:
  static constexpr int kStages = 11;

  // Runs stages 0 .. kStages - 1 and calls reached(stage) after each. Stops at the first error and returns it.
  Result<> play(const std::function<void(int)>& reached) const {
    PAIRLOOM_ASSIGN(IndexWriter writer, IndexWriter::open(path(), "scenario"));
    reached(0);
    PAIRLOOM_ASSIGN(const RunId run, writer.begin_run(RunKind::kAdd, "scenario"));
    reached(1);  // a run that has begun is durable by itself
    PAIRLOOM_TRY(writer.note_root("/photos", 1));
    PAIRLOOM_ASSIGN(const KnownDirectory a, writer.directory("/photos/a", 1));
    for (uint64_t seed = 1; seed <= 6; ++seed) PAIRLOOM_TRY(writer.put(run, image(a.id, std::to_string(seed), seed)));
    PAIRLOOM_TRY(writer.commit());
    reached(2);
    // So many that some are stored while others gather, and then a commit while more come.
    PAIRLOOM_ASSIGN(const KnownDirectory many, writer.directory("/photos/many", 1));
    for (uint64_t seed = 1000; seed < 1020 + kMinNewImages; ++seed)
      PAIRLOOM_TRY(writer.put(run, image(many.id, std::to_string(seed), seed)));
    PAIRLOOM_TRY(writer.put(run, image(many.id, "another copy of 1", 1)));
    PAIRLOOM_TRY(writer.begin_commit());
    for (uint64_t seed = 2000; seed < 2005; ++seed)
      PAIRLOOM_TRY(writer.put(run, image(many.id, std::to_string(seed), seed)));
    PAIRLOOM_TRY(writer.set_filesystem(many.id, 1));  // waits for it
    reached(3);
    PAIRLOOM_TRY(writer.commit());
    reached(4);
    PAIRLOOM_ASSIGN(const KnownDirectory b, writer.directory("/photos/b", 1));
    PAIRLOOM_TRY(writer.put(run, image(b.id, "copy of 1", 1)));
    PAIRLOOM_TRY(writer.put(run, failure(b.id, "bad", Outcome::kCorrupt, "broken")));
    PAIRLOOM_TRY(writer.put(run, image(b.id, "7", 7)));
    PAIRLOOM_TRY(writer.mark_gone(run, a.id, "2"));
    PAIRLOOM_TRY(writer.commit());
    reached(5);
    PAIRLOOM_TRY(writer.put_attempts(run, b.id, "poison", identity_of(50), 2));
    reached(6);
    const auto distance = [](uint64_t x, uint64_t y) {
      return static_cast<uint32_t>(hamming_distance(code_of(x), code_of(y)));
    };
    PAIRLOOM_TRY(
        writer.put_pairs(Algorithm::kPdq, std::vector{PairRow{1, 2, distance(1, 2)}, PairRow{3, 4, distance(3, 4)}}));
    PAIRLOOM_TRY(writer.set_pairing_state(Algorithm::kPdq, 200, 5));
    reached(7);
    for (const uint64_t seed : {3u, 5u}) {
      FileResult better = image(a.id, std::to_string(seed), seed);
      better.accuracy = Accuracy::kFull;
      better.codes[0].code = code_of(100 + seed);
      PAIRLOOM_TRY(writer.put(run, better));
    }
    PAIRLOOM_TRY(writer.commit());
    reached(8);
    PAIRLOOM_TRY(writer.finish_run(run, {.seen = 9}, std::vector{WorkerTotals{.slot = 1, .lives = 1}}));
    reached(9);
    PAIRLOOM_TRY(writer.prune(false));
    reached(10);
    return {};
  }

  // Everything of meaning, after a writer has opened the index and cleared up.
  std::string picture() const {
    value(IndexWriter::open(path(), "picture"));
    std::string all;
    for (const char* statement :
         {"SELECT path FROM directory ORDER BY path", "SELECT path FROM root",
          "SELECT hex(name) || outcome || ifnull(content, '-') || attempts || (gone_run IS NULL) FROM file ORDER BY "
          "directory, name",
          "SELECT id || live_files || algorithms || algorithms_full FROM content ORDER BY id",
          "SELECT content || hex(code) || flags FROM code ORDER BY content",
          "SELECT a || '-' || b || '-' || distance FROM pair", "SELECT radius || ':' || position FROM pairing",
          "SELECT finished_ns > 0 FROM run", "SELECT slot FROM run_worker",
          "SELECT message FROM failure ORDER BY directory, name"}) {
      for (const std::string& row : sql(statement)) all += row + "\n";
      all += "--\n";
    }
    return all;
  }

  void start_over() const {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directory(directory_);
  }
};

}  // namespace pairloom::index

#include "cli/progress_bar.h"

#include <gtest/gtest.h>

#include "cli/indexing.h"

namespace pairloom::cli {
namespace {

daemon::Progress at(uint64_t done, uint64_t found, bool found_all) {
  daemon::Progress p;
  p.done = done;
  p.found = found;
  p.found_all = found_all;
  return p;
}

TEST(ProgressBar, ShowsShareRateEtaAndBadCount) {
  auto p = at(3750, 9143, true);
  p.failed = 2;
  EXPECT_EQ(render_progress(p, 8300, 200), "[########------------]  41% 3750/9143  8300 img/s  ETA 0.6 s  2 bad");
}

TEST(ProgressBar, PromisesNothingWhileTheWalkGoesOn) {
  EXPECT_EQ(render_progress(at(10, 2000, false), 50, 200), "10 done, 2000 found so far  50 img/s");
}

TEST(ProgressBar, CountsCodesWhenPairing) {
  auto p = at(5, 10, true);
  p.stage = daemon::Progress::Stage::kPairing;
  EXPECT_EQ(render_progress(p, 2.5, 200), "pairing [##########----------]  50% 5/10  2.5 codes/s  ETA 2.0 s");
}

TEST(ProgressBar, CountsRowsWhenTransforming) {
  auto p = at(0, 0, false);
  p.stage = daemon::Progress::Stage::kTransforming;
  EXPECT_EQ(render_progress(p, 0, 200), "loading ...");
  p = at(250, 1000, true);
  p.stage = daemon::Progress::Stage::kTransforming;
  EXPECT_EQ(render_progress(p, 500, 200), "[#####---------------]  25% 250/1000  500 rows/s  ETA 1.5 s");
}

TEST(ProgressBar, FitsTheTerminalAndSurvivesOddNumbers) {
  EXPECT_EQ(render_progress(at(3750, 9143, true), 8300, 20).size(), 19u);
  EXPECT_EQ(render_progress(at(0, 0, true), 0, 80), "[####################] 100% 0/0");
  EXPECT_EQ(render_progress(at(7, 5, true), 0, 80), "[####################] 100% 5/5");
}

TEST(ProgressBar, NothingIsWrittenIntoAPipe) {
  // A descriptor that cannot be written would be an error if anything were.
  ProgressBar bar(ProgressMode::kAuto, -1, system_clock());
  bar.update(at(1, 2, true));
  bar.clear();
}

TEST(RateMeter, FollowsAChangeWithinItsWindow) {
  RateMeter meter;
  EXPECT_DOUBLE_EQ(meter.update(1, 100), 100);
  EXPECT_DOUBLE_EQ(meter.update(2, 200), 100);
  EXPECT_DOUBLE_EQ(meter.update(2, 300), 100);  // no time has passed
  double rate = 0;
  for (int s = 3; s < 30; ++s) rate = meter.update(s, 200 + static_cast<uint64_t>(s - 2) * 10);
  EXPECT_NEAR(rate, 10, 2);
}

TEST(FinishedLine, HasTheFormPeopleGrepFor) {
  daemon::RunSummary s;
  s.totals.indexed = 9143;
  s.totals.seconds = 1.1;
  s.workers.resize(2);
  s.workers[0].lives = s.workers[1].lives = 1;
  EXPECT_EQ(finished_line(s), "9143/9143 images finished after 1.1 s (8312 img/s, 2 workers, 0 unreadable)");
}

TEST(FinishedLine, CountsUnchangedAsFinishedButNotAsWork) {
  daemon::RunSummary s;
  s.totals.unchanged = 90;
  s.totals.moved = 5;
  s.totals.indexed = 4;
  s.totals.failed = 1;
  s.totals.seconds = 0.5;
  s.workers.resize(3);
  s.workers[0].lives = 1;
  EXPECT_EQ(finished_line(s), "99/100 images finished after 0.5 s (8.0 img/s, 1 worker, 1 unreadable)")
      << "the failure may be one remembered from an earlier run: it is no work either";
}

TEST(RunSummary, LinesSayWhatChanged) {
  daemon::RunSummary s;
  s.totals.indexed = 3;
  s.totals.gone = 1;
  s.new_pairs = 2;
  EXPECT_EQ(summary_lines(s).at(1), "3 new or changed, 1 gone, 2 new pairs");
}

TEST(RunSummary, ExitCodeTellsWhatWentWrong) {
  daemon::RunSummary s;
  EXPECT_EQ(exit_code_of(s), ExitCode::kDone);
  s.missing_roots.push_back("/x");
  EXPECT_EQ(exit_code_of(s), ExitCode::kUnreadable);
  s.totals.interrupted = true;
  EXPECT_EQ(exit_code_of(s), ExitCode::kInterrupted);
}

}  // namespace
}  // namespace pairloom::cli

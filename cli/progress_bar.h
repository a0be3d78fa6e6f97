// The progress of a run: one redrawn line on a terminal, nothing into a pipe unless asked for. Runs in: cli.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "daemon/file_job.h"
#include "daemon/index_run.h"

namespace pairloom::cli {

enum class ProgressMode { kAuto, kNone, kPlain };

// `[#####-----]  41% 3750/9143  8300 img/s  ETA 0.6 s  2 bad`, at most `columns` wide. While the walk still finds files
// there is no percentage and no ETA. `rate` is in images (codes, when pairing) per second.
std::string render_progress(const daemon::Progress& progress, double rate, int columns);

// `9143/9143 images finished after 1.1 s (8300 img/s, 2 workers, 0 unreadable)`: how many of those met ended well; the
// rate counts the images that were really opened.
std::string finished_line(const daemon::RunSummary& summary);
std::string finished_line(const daemon::FileJobSummary& summary);

// Images per second over the last seconds, so that an ETA follows the disk: an exponential mean of 5 s.
class RateMeter {
 public:
  double update(double seconds, uint64_t done);  // both only grow

 private:
  double last_seconds_ = 0, rate_ = 0;
  uint64_t last_done_ = 0;
};

class ProgressBar {
 public:
  // kAuto draws if `fd` is a terminal; kPlain writes a line every 10 s.
  ProgressBar(ProgressMode mode, int fd, const Clock& clock);
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(const daemon::Progress& progress);  // redraws at most ten times a second
  void clear();                                   // takes the line away; the next update draws it again

 private:
  enum class Kind { kNone, kLine, kPlain };
  Kind kind_;
  int fd_;
  const Clock& clock_;
  RateMeter meter_;
  daemon::Progress::Stage stage_ = daemon::Progress::Stage::kIndexing;
  int64_t started_ns_, next_ns_;
  bool shown_ = false;
};

}  // namespace pairloom::cli

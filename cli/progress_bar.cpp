#include "cli/progress_bar.h"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>

#include "base/fd.h"
#include "base/text.h"
#include "cli/style.h"

namespace pairloom::cli {
namespace {

constexpr int64_t kRedrawNs = 100'000'000;
constexpr int64_t kPlainNs = 10'000'000'000;
constexpr double kMeanSeconds = 5;
constexpr size_t kBarCells = 20;

std::string rate_text(double rate) {
  return rate < 10 ? fmt::format("{:.1f}", rate) : fmt::format("{:.0f}", rate);
}

std::string bar(double fraction) {
  const auto full = static_cast<size_t>(fraction * static_cast<double>(kBarCells));
  return "[" + std::string(full, '#') + std::string(kBarCells - full, '-') + "]";
}

void print(int fd, const std::string& text) {
  // A lost progress line is not worth an error.
  static_cast<void>(write_all(fd, text.data(), text.size(), "standard error"));
}

// `opened` of the `well` were really opened.
std::string finished(uint64_t well, uint64_t failed, uint64_t opened, double seconds,
                     const std::vector<index::WorkerTotals>& all_workers) {
  const auto workers = std::ranges::count_if(all_workers, [](const auto& w) { return w.lives > 0; });
  const double rate = seconds > 0 ? static_cast<double>(opened) / seconds : 0;
  return fmt::format("{}/{} images finished after {} ({} img/s, {} {}, {} unreadable)", well, well + failed,
                     human_seconds(seconds), opened == 0 ? "0" : rate_text(rate), workers,
                     workers == 1 ? "worker" : "workers", failed);
}

}  // namespace

std::string render_progress(const daemon::Progress& p, double rate, int columns) {
  if (p.stage == daemon::Progress::Stage::kCommitting) return "saving ...";
  const bool pairing = p.stage == daemon::Progress::Stage::kPairing;
  const bool transforming = p.stage == daemon::Progress::Stage::kTransforming;
  if (transforming && !p.found_all) return "loading ...";
  const bool known = p.found_all || pairing;
  std::string line;
  if (known) {
    const uint64_t done = std::min(p.done, p.found);
    const double fraction = p.found == 0 ? 1 : static_cast<double>(done) / static_cast<double>(p.found);
    line = fmt::format("{} {:3}% {}/{}", bar(fraction), static_cast<int>(fraction * 100), done, p.found);
  } else {
    line = fmt::format("{} done, {} found so far", p.done, p.found);
  }
  if (pairing) line = "pairing " + line;
  if (rate > 0) line += fmt::format("  {} {}/s", rate_text(rate), pairing ? "codes" : transforming ? "rows" : "img");
  if (known && rate > 0 && p.found > p.done)
    line += "  ETA " + human_seconds(static_cast<double>(p.found - p.done) / rate);
  if (p.failed > 0) line += fmt::format("  {} bad", p.failed);
  if (columns > 1 && line.size() >= static_cast<size_t>(columns)) line.resize(static_cast<size_t>(columns) - 1);
  return line;
}

std::string finished_line(const daemon::RunSummary& summary) {
  const auto& t = summary.totals;
  return finished(t.indexed + t.unchanged + t.moved, t.failed, t.indexed, t.seconds, summary.workers);
}

std::string finished_line(const daemon::FileJobSummary& summary) {
  return finished(summary.done, summary.failed, summary.done, summary.seconds, summary.workers);
}

double RateMeter::update(double seconds, uint64_t done) {
  const double elapsed = seconds - last_seconds_;
  if (elapsed <= 0 || done < last_done_) return rate_;
  const double now = static_cast<double>(done - last_done_) / elapsed;
  // Until the window is full it is the plain mean since the start.
  const double weight = std::max(elapsed / seconds, 1 - std::exp(-elapsed / kMeanSeconds));
  rate_ += weight * (now - rate_);
  last_seconds_ = seconds;
  last_done_ = done;
  return rate_;
}

ProgressBar::ProgressBar(ProgressMode mode, int fd, const Clock& clock)
    : kind_(mode == ProgressMode::kPlain                     ? Kind::kPlain
            : mode == ProgressMode::kAuto && is_terminal(fd) ? Kind::kLine
                                                             : Kind::kNone),
      fd_(fd),
      clock_(clock),
      started_ns_(clock.monotonic_ns()) {
  next_ns_ = started_ns_ + (kind_ == Kind::kPlain ? kPlainNs : 0);
}

void ProgressBar::update(const daemon::Progress& progress) {
  const int64_t now = clock_.monotonic_ns();
  if (kind_ == Kind::kNone || now < next_ns_) return;
  if (progress.stage != stage_) {  // another thing is counted now
    stage_ = progress.stage;
    started_ns_ = now;
    meter_ = RateMeter();
  }
  const double rate = meter_.update(static_cast<double>(now - started_ns_) * 1e-9, progress.done);
  if (kind_ == Kind::kPlain) {
    print(fd_, render_progress(progress, rate, 0) + "\n");
    next_ns_ = now + kPlainNs;
    return;
  }
  print(fd_, "\r\x1b[K" + render_progress(progress, rate, terminal_columns(fd_)));
  shown_ = true;
  next_ns_ = now + kRedrawNs;
}

void ProgressBar::clear() {
  if (shown_) print(fd_, "\r\x1b[K");
  shown_ = false;
}

}  // namespace pairloom::cli

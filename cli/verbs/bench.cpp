// pairloom bench: how fast the jobs are on this machine, alone and in parallel.
#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <map>

#include "base/text.h"
#include "cli/bench/drawn_images.h"
#include "cli/bench/experiment.h"
#include "cli/bench/report.h"
#include "cli/verb.h"
#include "daemon/stop_signals.h"
#include "daemon/tree_walk.h"

namespace pairloom::cli {
namespace {

constexpr uint32_t kDrawnOfASize = 4;
constexpr uint32_t kLeastSidePx = 32, kMostSidePx = 16'384;

struct BenchOptions {
  std::string directory;  // empty: pictures are drawn
  const WorkloadKind* kind = &workload_kinds()[0];
  std::string sizes, chunks, svg;
  std::optional<uint32_t> rounds;
  double seconds = 0.3;
  bool stages = false;
  OutputFormat format = OutputFormat::kHuman;
};

// "256,512,1024", from small to large.
Result<std::vector<uint32_t>> parse_list(std::string_view option, std::string_view text, uint32_t least,
                                         uint32_t most) {
  std::vector<uint32_t> values;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    uint32_t value = 0;
    const auto [stopped, error] = std::from_chars(text.data() + at, text.data() + end, value);
    if (error != std::errc() || stopped != text.data() + end || value < least || value > most)
      return fail(Errc::kInvalidArgument,
                  fmt::format("{}: '{}' is not a whole number from {} to {}; write 256,512,1024", option,
                              escape_for_terminal(text.substr(at, end - at)), least, most));
    values.push_back(value);
    at = end + 1;
  }
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

Result<std::vector<PictureSet>> draw(const BenchOptions& options, const ScratchDirectory& scratch) {
  std::vector<uint32_t> sides;
  if (options.sizes.empty())
    for (uint32_t side = options.kind->default_largest_px / 8; side <= options.kind->default_largest_px; side *= 2)
      sides.push_back(side);
  else {
    PAIRLOOM_ASSIGN(sides, parse_list("--sizes", options.sizes, kLeastSidePx, kMostSidePx));
  }
  std::vector<PictureSet> sets;
  for (const uint32_t side : sides) {
    PAIRLOOM_ASSIGN(auto paths, draw_pictures(scratch, side, kDrawnOfASize));
    sets.push_back({fmt::format("{} x {}", side, side), static_cast<double>(side) * side, std::move(paths)});
  }
  return sets;
}

Result<std::vector<std::string>> files_below(const std::string& directory) {
  const daemon::WalkOptions walk_options;
  daemon::TreeWalk walk({directory}, walk_options);
  std::vector<std::string> paths;
  while (true) {
    daemon::FileBatch batch;
    PAIRLOOM_ASSIGN(const auto next, walk.next(batch));
    for (const auto& file : batch.files)
      if (file.wanted) paths.push_back(path_of(batch, file));
    if (next == daemon::FileSource::Next::kEnd) break;
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// The user's pictures by their number of pixels, in powers of two.
Result<std::vector<PictureSet>> group_by_size(const std::string& directory, const Session& session) {
  PAIRLOOM_ASSIGN(const auto paths, files_below(directory));
  jobs::IndexSetup setup;
  setup.algorithms = set_of(Algorithm::kDhash);
  setup.accuracy = Accuracy::kFast;
  PAIRLOOM_ASSIGN(const auto results, daemon::extract_files(paths, setup, session.pool()));
  std::map<int, PictureSet> octaves;
  for (size_t i = 0; i < paths.size(); ++i) {
    if (results[i].outcome != Outcome::kIndexed) continue;
    const double pixels = static_cast<double>(results[i].image.width_px) * results[i].image.height_px;
    PictureSet& set = octaves[static_cast<int>(std::floor(std::log2(pixels)))];
    set.pixels += pixels;
    set.paths.push_back(paths[i]);
  }
  std::vector<PictureSet> sets;
  for (auto& [octave, set] : octaves) {
    set.pixels /= static_cast<double>(set.paths.size());
    set.label = fmt::format("{:.3g} Mpx", set.pixels / 1e6);
    sets.push_back(std::move(set));
  }
  if (sets.empty())
    return fail(Errc::kInvalidArgument,
                fmt::format("'{}' holds no picture that can be read", escape_for_terminal(directory)));
  return sets;
}

Result<> write_svg(const std::string& path, const std::string& svg) {
  std::ofstream file(path, std::ios::binary);
  file << svg;
  if (!file.flush()) return fail(Errc::kIo, fmt::format("cannot write the picture '{}'", escape_for_terminal(path)));
  return {};
}

Result<ExitCode> bench(const BenchOptions& options, Session& session) {
  // One for all runs and what is between them, so that the scratch directory goes whenever a signal comes.
  PAIRLOOM_ASSIGN(const auto signals, daemon::StopSignals::catch_them());
  PAIRLOOM_ASSIGN(const auto scratch, ScratchDirectory::create());
  BenchContext context;
  context.kind = options.kind;
  context.machine = describe_machine();
  context.pictures = options.directory.empty() ? "drawn" : options.directory;
  context.rounds = options.rounds.value_or(5);
  context.stages = options.stages;

  BenchPlan plan;
  plan.kind = options.kind;
  plan.rounds = context.rounds;
  plan.seconds = options.seconds;
  plan.scratch = scratch.path();
  plan.pool = session.pool();
  if (plan.pool.jobs == 0) plan.pool.jobs = static_cast<int>(daemon::usable_physical_cores().cpus.size());
  context.most_workers = static_cast<uint32_t>(plan.pool.jobs);
  if (!options.chunks.empty()) {
    PAIRLOOM_ASSIGN(plan.chunks, parse_list("--chunks", options.chunks, 1, 4096));
  }
  PAIRLOOM_ASSIGN(const auto sets,
                  options.directory.empty() ? draw(options, scratch) : group_by_size(options.directory, session));
  session.out.flush();  // workers are forked from this process
  PAIRLOOM_ASSIGN(const BenchReport report, run_experiments(plan, sets, [&session](const std::string& what) {
                    session.messages.note("measuring " + what);
                  }));
  session.out.write(options.format == OutputFormat::kHuman ? human_report(context, report)
                                                           : rows_report(context, report, options.format));
  if (!options.svg.empty()) PAIRLOOM_TRY(write_svg(options.svg, svg_report(context, report)));
  if (report.identical()) return ExitCode::kDone;
  session.messages.error(fmt::format("parallel results differ from serial ones, first of '{}': this is a bug",
                                     escape_for_terminal(report.different.front())));
  return ExitCode::kFailed;
}

}  // namespace

Action declare_bench(CLI::App& app) {
  auto options = std::make_shared<BenchOptions>();
  add_text(app, "DIR", options->directory, "", "Pictures to work on; without it, some are drawn");
  std::vector<std::pair<std::string, const WorkloadKind*>> kinds;
  std::string about = "What is measured:";
  for (const WorkloadKind& kind : workload_kinds()) {
    kinds.emplace_back(kind.name, &kind);
    about += fmt::format(" {}: {};", kind.name, kind.about);
  }
  about.pop_back();
  const char* group = "What is measured";
  add_choice<const WorkloadKind*>(app, "--job", options->kind, kinds, "JOB", about)->group(group);
  add_text(app, "--sizes", options->sizes, "LIST",
           "Sides of the drawn pictures in pixels; default: 256,512,1024,2048 or so")
      ->group(group);
  add_text(app, "--chunks", options->chunks, "LIST",
           "Sizes of chunks (files; rows of bands for transform) to compare; default: 1,2,4 .. 128")
      ->group(group);
  add_count(app, "--rounds", options->rounds, 1, 1000, "Take turns so many times")->default_str("5")->group(group);
  add_seconds(app, "--seconds", options->seconds, "Serial work in one measurement, about")->group(group);
  app.add_flag("--stages", options->stages, "Say where the workers' time goes")->group("Output");
  add_text(app, "--svg", options->svg, "FILE", "Draw the curves into this file, too")->group("Output");
  add_output_option(app, options->format, {OutputFormat::kHuman, OutputFormat::kCsv, OutputFormat::kJsonl});
  return [options](Session& session) { return bench(*options, session); };
}

}  // namespace pairloom::cli

// pairloom locate: the particles in each frame of a video, as trackpy's locate finds them.
#include <fmt/format.h>
#include <cmath>
#include <iterator>

#include "base/text.h"
#include "base/version.h"
#include "cli/feature_keeping.h"
#include "cli/file_job_report.h"
#include "cli/file_selection.h"
#include "cli/path_text.h"
#include "cli/verb.h"
#include "daemon/locating.h"

namespace pairloom::cli {
namespace {

using jobs::Particle;

// As given; what depends on the diameter is worked out in setup_of().
struct LocateOptions {
  FileSelection files;
  std::optional<OutputFormat> format;  // none: CSV, or with --store nothing
  bool store = false;
  jobs::LocateSetup setup;
  std::optional<uint32_t> diameter, smoothing_size, topn, max_iterations, channel;
  std::optional<double> separation, maxsize;
  bool no_preprocess = false, no_characterize = false;
  double task_deadline_s = 30;
};

jobs::LocateSetup setup_of(const LocateOptions& options) {
  jobs::LocateSetup setup = options.setup;
  const auto defaults = jobs::LocateSetup::for_diameter(options.diameter.value_or(0));
  setup.diameter_px = defaults.diameter_px;
  setup.separation_px = options.separation.value_or(defaults.separation_px);
  setup.smoothing_size_px = options.smoothing_size.value_or(defaults.smoothing_size_px);
  setup.maxsize_px = options.maxsize.value_or(defaults.maxsize_px);
  setup.topn = options.topn.value_or(0);
  setup.max_iterations = options.max_iterations.value_or(defaults.max_iterations);
  setup.channel = options.channel.value_or(0);
  setup.preprocess = !options.no_preprocess;
  setup.characterize = !options.no_characterize;
  setup.digest = options.store;
  return setup;
}

struct Column {
  std::string_view name;  // trackpy's
  double Particle::*value;
};
constexpr Column kColumns[] = {{"y", &Particle::y},
                               {"x", &Particle::x},
                               {"mass", &Particle::mass},
                               {"size", &Particle::size},
                               {"ecc", &Particle::ecc},
                               {"signal", &Particle::signal},
                               {"raw_mass", &Particle::raw_mass},
                               {"ep", &Particle::ep}};
std::span<const Column> columns_of(const jobs::LocateSetup& setup) {
  return std::span(kColumns).first(setup.characterize ? std::size(kColumns) : 3);
}

// Shortest text that reads back as the same number; nothing, or null, where there is none.
void add_number_text(std::string& out, double value, std::string_view none) {
  if (std::isfinite(value))
    fmt::format_to(std::back_inserter(out), "{}", value);
  else
    out += none;
}

std::string csv_header(std::span<const Column> columns) {
  std::string out;
  for (const Column& column : columns) out += fmt::format("{},", column.name);
  return out + "frame\n";
}

std::string csv_rows(const daemon::LocatedFrame& frame, std::span<const Column> columns) {
  std::string out;
  const std::string number = fmt::format("{}\n", *frame.number);
  for (const Particle& particle : frame.result.particles) {
    for (const Column& column : columns) {
      add_number_text(out, particle.*column.value, "");
      out += ',';
    }
    out += number;
  }
  return out;
}

std::string json_header(const jobs::LocateSetup& setup) {
  const Json maxsize = std::isfinite(setup.maxsize_px) ? Json(setup.maxsize_px) : Json(nullptr);
  return json_line({{"type", "header"},
                    {"schema", "pairloom.particles/1"},
                    {"version", kVersion},
                    {"diameter", setup.diameter_px},
                    {"separation", setup.separation_px},
                    {"noise_size", setup.noise_size_px},
                    {"smoothing_size", setup.smoothing_size_px},
                    {"threshold", setup.threshold},
                    {"percentile", setup.percentile},
                    {"minmass", setup.minmass},
                    {"maxsize", maxsize},
                    {"topn", setup.topn > 0 ? Json(setup.topn) : Json(nullptr)},
                    {"max_iterations", setup.max_iterations},
                    {"channel", setup.channel},
                    {"invert", setup.invert},
                    {"preprocess", setup.preprocess},
                    {"characterize", setup.characterize}});
}

// The particles are written by hand: they are thousands, and nlohmann's objects take longer than finding them.
std::string json_frame(const daemon::LocatedFrame& frame, std::span<const Column> columns) {
  std::string out = json_line({{"type", "frame"},
                               {"frame", *frame.number},
                               {"path", json_path(frame.path)},
                               {"w", frame.result.width_px},
                               {"h", frame.result.height_px},
                               {"bits", frame.result.bits_per_sample}});
  out.resize(out.rfind('}'));
  out += ",\"particles\":[";
  for (const Particle& particle : frame.result.particles) {
    out += out.back() == '[' ? "{" : ",{";
    for (const Column& column : columns) {
      fmt::format_to(std::back_inserter(out), "{}\"{}\":", out.back() == '{' ? "" : ",", column.name);
      add_number_text(out, particle.*column.value, "null");
    }
    out += '}';
  }
  return out + "]}\n";
}

std::string json_error(const daemon::LocatedFrame& frame) {
  return json_line({{"type", "error"},
                    {"frame", *frame.number},
                    {"path", json_path(frame.path)},
                    {"outcome", name_of(frame.outcome)},
                    {"message", frame.message}});
}

std::optional<OutputFormat> format_of(const LocateOptions& options) {
  return options.format || options.store ? options.format : OutputFormat::kCsv;
}

std::string record_of(const daemon::LocatedFrame& frame, std::span<const Column> columns,
                      std::optional<OutputFormat> format) {
  if (!format) return "";
  if (format == OutputFormat::kCsv) return csv_rows(frame, columns);
  if (format == OutputFormat::kJsonl) return json_frame(frame, columns);
  return fmt::format("{:>6}  {:>6} particles  {}\n", *frame.number, frame.result.particles.size(),
                     escape_for_terminal(frame.path));
}

std::string header_of(const jobs::LocateSetup& setup, std::optional<OutputFormat> format) {
  if (format == OutputFormat::kCsv) return csv_header(columns_of(setup));
  return format == OutputFormat::kJsonl ? json_header(setup) : "";
}

Result<ExitCode> locate(const LocateOptions& options, Session& session) {
  const jobs::LocateSetup setup = setup_of(options);
  PAIRLOOM_TRY(jobs::check(setup));
  if (!options.files.names_something())
    return fail(Errc::kInvalidArgument, "nothing to look at: name frames, a directory, or a list with --files-from");
  PAIRLOOM_ASSIGN(auto prepared, prepare(options.files));
  auto pool = session.pool();
  pool.task_deadline_s = options.task_deadline_s;
  PAIRLOOM_ASSIGN(auto jobs, daemon::FileJobs::create(pool));
  const auto format = format_of(options);
  FeatureKeeping keeping;
  if (options.store) {
    PAIRLOOM_TRY(keeping.begin(session, "pairloom locate", std::vector{daemon::describe_particles(setup)}));
    keeping.choose(prepared.request, !format);
  }

  FileJobReport report(session);
  uint64_t particles = 0;
  const auto sink = [&](const daemon::LocatedFrame& frame) -> Result<> {
    if (keeping.begun()) PAIRLOOM_TRY(keeping.take(daemon::as_features(frame, setup)));
    if (!frame.number) return {};
    if (frame.outcome != Outcome::kIndexed) {
      report.failed(frame.path, frame.outcome, frame.message);
      return format == OutputFormat::kJsonl ? report.row(json_error(frame)) : Result<>();
    }
    if (!frame.message.empty()) report.damaged(frame.path, frame.message);
    particles += frame.result.particles.size();
    return report.row(record_of(frame, columns_of(setup), format));
  };
  PAIRLOOM_TRY(report.row(header_of(setup, format)));
  const auto summary = daemon::locate_particles(jobs, setup, std::move(prepared.request), sink, report.observer());
  if (keeping.begun()) PAIRLOOM_TRY(keeping.finish());
  if (!summary && !session.out.usable()) return ExitCode::kFailed;  // main says why, or ends quietly
  if (!summary) return tl::unexpected(summary.error());
  if (format == OutputFormat::kJsonl)
    session.out.write(json_line({{"type", "summary"},
                                 {"frames", summary->done},
                                 {"particles", particles},
                                 {"failed", summary->failed},
                                 {"other_files", summary->not_images}}));
  const ExitCode code = report.finish(*summary);
  session.messages.note(fmt::format("{} particles", particles));
  if (keeping.begun()) keeping.tell(session);
  return code;
}

void add_parameters(CLI::App& app, LocateOptions& into) {
  auto& setup = into.setup;
  const char* group = "What is a particle";
  add_count(app, "--diameter", into.diameter, 3, jobs::kMaxDiameterPx, "Of a particle in pixels, odd; round up")
      ->required()
      ->group(group);
  app.add_flag("--invert", setup.invert, "Particles are darker than the ground")->group(group);
  add_count(app, "--channel", into.channel, 0, 3, "Of a colour image: 0 red, 1 green, 2 blue, 3 alpha")
      ->default_str("0")
      ->group(group);
  add_amount(app, "--minmass", setup.minmass, "MASS", "Only particles with more mass (sum of brightness)")
      ->group(group);
  add_amount(app, "--maxsize", into.maxsize, "PX", "Only particles with a smaller radius of gyration")->group(group);
  add_amount(app, "--separation", into.separation, "PX",
             "Of two nearer to each other, only the heavier; default: the diameter + 1")
      ->group(group);
  add_count(app, "--topn", into.topn, 1, 1'000'000'000, "Only the N heaviest of a frame, the lightest first")
      ->group(group);
  add_amount(app, "--percentile", setup.percentile, "P", "Peaks are brighter than P percent of the bright pixels")
      ->group(group);
}

void add_method(CLI::App& app, LocateOptions& into) {
  auto& setup = into.setup;
  const char* group = "How it is looked for";
  add_amount(app, "--noise-size", setup.noise_size_px, "PX", "Sigma of the Gaussian that takes noise out; 0: none")
      ->group(group);
  add_count(app, "--smoothing-size", into.smoothing_size, 1, jobs::kMaxSmoothingPx,
            "Side of the square whose mean is the ground, odd; default: the diameter")
      ->group(group);
  add_amount(app, "--threshold", setup.threshold, "GRAY", "What is less above the ground is ground")->group(group);
  app.add_flag("--no-preprocess", into.no_preprocess,
               "Look at the frame as it is, not at what the three above make of it")
      ->group(group);
  add_count(app, "--max-iterations", into.max_iterations, 1, 1'000'000, "Steps towards a particle's centre, at most")
      ->default_str("10")
      ->group(group);
  app.add_flag("--no-characterize", into.no_characterize, "Only y, x and mass")->group(group);
  add_size(app, "--max-pixels", setup.max_pixels, "Leave out frames with more pixels")
      ->default_str("100M")
      ->group(group);
  add_seconds(app, "--task-deadline", into.task_deadline_s, "Give up on a frame after so many seconds")->group(group);
}

}  // namespace

Action declare_locate(CLI::App& app) {
  auto options = std::make_shared<LocateOptions>();
  add_file_options(app, options->files, "FRAME", "Frames in their order, or directories of them (by name)");
  add_parameters(app, *options);
  add_method(app, *options);
  add_choice<std::optional<OutputFormat>>(
      app, "-o,--output", options->format,
      {{"csv", OutputFormat::kCsv}, {"jsonl", OutputFormat::kJsonl}, {"human", OutputFormat::kHuman}}, "FORMAT",
      "Format of the results [default: csv; with --store: none]")
      ->group("Output");
  app.add_flag("--store", options->store,
               "Keep the particles in the index (view v_features), of frames that it holds; without -o only what it "
               "does not have yet is computed")
      ->group("Output");
  return [options](Session& session) { return locate(*options, session); };
}

}  // namespace pairloom::cli

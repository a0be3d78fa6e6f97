// pairloom extract: numbers from each image, for other programs or into the index.
#include <fmt/format.h>

#include "base/text.h"
#include "cli/feature_formats.h"
#include "cli/feature_keeping.h"
#include "cli/file_job_report.h"
#include "cli/file_selection.h"
#include "cli/path_text.h"
#include "cli/verb.h"
#include "daemon/feature_extraction.h"
#include "daemon/indexed_images.h"
#include "index/index_reader.h"

namespace pairloom::cli {
namespace {

enum class Format { kNone, kCsv, kJsonl, kNpy };

struct ExtractOptions {
  FileSelection files;  // none named: the index's images
  std::string features = "color,lbp";
  std::vector<std::string> plugins;
  Format format = Format::kNone;
  std::string directory;  // of npy
  bool store = false;
  jobs::ExtractSetup setup;
  double task_deadline_s = 30;
};

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= list.size();) {
    const size_t end = std::min(list.find(',', at), list.size());
    parts.push_back(list.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

// No format was asked for: into the index only, or as CSV.
Format format_of(const ExtractOptions& options) {
  return options.format == Format::kNone && !options.store ? Format::kCsv : options.format;
}

Result<> check(const ExtractOptions& options) {
  const bool npy = options.format == Format::kNpy;
  if (npy && options.directory.empty())
    return fail(Errc::kInvalidArgument, "-o npy makes several files: say with --to DIR where");
  if (!npy && !options.directory.empty()) return fail(Errc::kInvalidArgument, "--to DIR goes with -o npy");
  return {};
}

Result<std::unique_ptr<FeatureFormat>> make_format(const ExtractOptions& options,
                                                   const std::vector<jobs::FeatureDescription>& descriptions) {
  switch (format_of(options)) {
    case Format::kNone:
      break;
    case Format::kCsv:
      return csv_features(descriptions);
    case Format::kJsonl:
      return jsonl_features(descriptions);
    case Format::kNpy:
      return npy_features(descriptions, options.directory);
  }
  return nullptr;
}

// The parts of a run that come and go with the options.
struct Run {
  PreparedFiles files;
  std::optional<index::IndexReader> reader;
  std::optional<daemon::IndexedImages> indexed;
  FeatureKeeping keeping;
  std::unique_ptr<FeatureFormat> format;
};

Result<> choose_files(const ExtractOptions& options, const Session& session, Run& run) {
  PAIRLOOM_ASSIGN(run.files, prepare(options.files));
  if (!options.files.names_something()) {
    PAIRLOOM_ASSIGN(run.reader, index::IndexReader::open(session.index));
    run.files.request.source = &run.indexed.emplace(*run.reader);
  }
  if (run.keeping.begun()) run.keeping.choose(run.files.request, run.format == nullptr);
  return {};
}

Result<> use_answer(Run& run, FileJobReport& report, const std::string& path, const daemon::FeatureAnswer& answer) {
  if (run.keeping.begun()) PAIRLOOM_TRY(run.keeping.take(answer));
  if (is_failure(answer.outcome)) {
    report.failed(path, answer.outcome, answer.message);
    return run.format ? report.row(run.format->failed(path, answer.outcome, answer.message)) : Result<>();
  }
  if (answer.outcome != Outcome::kIndexed) return {};
  if (!answer.message.empty()) report.damaged(path, answer.message);
  if (!run.format) return {};
  PAIRLOOM_ASSIGN(const std::string text, run.format->add(path, answer.result));
  return report.row(text);
}

Result<ExitCode> extract(const ExtractOptions& options, Session& session) {
  PAIRLOOM_TRY(check(options));
  jobs::ExtractSetup setup = options.setup;
  setup.features = split(options.features);
  auto pool = session.pool();
  pool.task_deadline_s = options.task_deadline_s;
  for (const std::string& plugin : options.plugins) pool.plugins.push_back(canonical_path(plugin));
  PAIRLOOM_ASSIGN(auto jobs, daemon::FileJobs::create(pool));
  PAIRLOOM_ASSIGN(const auto descriptions, daemon::describe_features(jobs, setup));

  Run run;
  PAIRLOOM_ASSIGN(run.format, make_format(options, descriptions));
  if (options.store) PAIRLOOM_TRY(run.keeping.begin(session, "pairloom extract", descriptions));
  PAIRLOOM_TRY(choose_files(options, session, run));

  FileJobReport report(session);
  if (run.format) {
    PAIRLOOM_ASSIGN(const std::string header, run.format->begin());
    PAIRLOOM_TRY(report.row(header));
  }
  const auto sink = [&](const std::string& path, const daemon::FeatureAnswer& answer) {
    return use_answer(run, report, path, answer);
  };
  const auto summary =
      daemon::extract_features(jobs, setup, descriptions, std::move(run.files.request), sink, report.observer());
  if (run.keeping.begun()) PAIRLOOM_TRY(run.keeping.finish());
  if (!summary && !session.out.usable()) return ExitCode::kFailed;  // main says why, or ends quietly
  if (!summary) return tl::unexpected(summary.error());
  if (run.format) {
    PAIRLOOM_ASSIGN(const std::string end, run.format->finish(summary->done, summary->failed));
    session.out.write(end);
  }
  const ExitCode code = report.finish(*summary);
  if (run.keeping.begun()) run.keeping.tell(session);
  return code;
}

}  // namespace

Action declare_extract(CLI::App& app) {
  auto options = std::make_shared<ExtractOptions>();
  add_file_options(app, options->files, "PATH", "Images, or directories to look through [default: the index's images]");
  const char* what = "What is computed";
  add_text(
      app, "--features", options->features, "LIST",
      "Separated by commas: color, lbp, sift, orb, dhash, dhash-tutorial, phash, phash256, pdq, pdq-quality, or those "
      "of a plugin; with parameters: color:bins=32, lbp:points=16:radius=2, sift:n=1000")
      ->default_str("color,lbp")
      ->group(what);
  add_list(app, "--plugin", options->plugins, "FILE.so",
           "A shared object with extractors of your own (include/pairloom/extractor.h); may be repeated")
      ->group(what);
  const char* output = "Output";
  add_choice<Format>(app, "-o,--output", options->format,
                     {{"csv", Format::kCsv}, {"jsonl", Format::kJsonl}, {"npy", Format::kNpy}}, "FORMAT",
                     "Table, records, or NumPy arrays [default: csv; with --store: none]")
      ->group(output);
  add_text(app, "--to", options->directory, "DIR", "Where -o npy puts its files; made if it is not there")
      ->group(output);
  app.add_flag(
         "--store", options->store,
         "Keep the features in the index (view v_features); without -o only what it does not have yet is computed")
      ->group(output);
  const char* limits = "Limits";
  add_size(app, "--max-pixels", options->setup.max_pixels, "Leave out pictures with more pixels")
      ->default_str("100M")
      ->group(limits);
  add_size(app, "--max-file-size", options->setup.max_file_bytes, "Leave out larger files")
      ->default_str("512Mi")
      ->group(limits);
  add_seconds(app, "--task-deadline", options->task_deadline_s,
              "Give up on a file after so many seconds without progress")
      ->group(limits);
  return [options](Session& session) { return extract(*options, session); };
}

}  // namespace pairloom::cli

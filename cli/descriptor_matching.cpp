#include "cli/descriptor_matching.h"

#include <fmt/format.h>

#include "base/text.h"
#include "base/version.h"
#include "cli/file_job_report.h"
#include "cli/path_text.h"
#include "daemon/descriptor_match.h"
#include "daemon/indexed_images.h"
#include "index/index_reader.h"

namespace pairloom::cli {
namespace {

jobs::MatchSetup setup_of(const DescriptorMatching& options) {
  jobs::MatchSetup setup = options.setup;
  setup.max_features = options.max_features.value_or(setup.max_features);
  setup.cross_check = !options.no_cross_check;
  setup.reprojection_px = options.geometry ? options.inlier_px : 0;
  return setup;
}

std::string header(const DescriptorMatching& options, const jobs::MatchSetup& setup, uint32_t keypoints) {
  if (options.format == OutputFormat::kCsv)
    return csv_row({"keypoints", "matches", "inliers", "path", "path_encoding"});
  if (options.format != OutputFormat::kJsonl) return "";
  return json_line({{"type", "header"},
                    {"schema", "pairloom.descriptor_match/1"},
                    {"version", kVersion},
                    {"reference", json_path(options.reference)},
                    {"keypoints", keypoints},
                    {"method", name_of(setup.method)},
                    {"nfeatures", setup.max_features},
                    {"cross_check", setup.cross_check},
                    {"ratio", setup.ratio > 0 ? Json(setup.ratio) : Json(nullptr)},
                    {"inlier_px", setup.reprojection_px > 0 ? Json(setup.reprojection_px) : Json(nullptr)}});
}

std::string row(const std::string& path, const jobs::MatchResult& result, bool geometry, OutputFormat format) {
  switch (format) {
    case OutputFormat::kFdupes:
      return line_path(path) + "\n";
    case OutputFormat::kNull:
      return path + '\0';
    case OutputFormat::kCsv: {
      const auto column = csv_path(path);
      return csv_row({std::to_string(result.keypoints), std::to_string(result.matches),
                      geometry ? std::to_string(result.inliers) : "", column.path, column.encoding});
    }
    case OutputFormat::kJsonl: {
      Json record = {
          {"type", "match"}, {"path", json_path(path)}, {"keypoints", result.keypoints}, {"matches", result.matches}};
      if (geometry) record["inliers"] = result.inliers;
      return json_line(record);
    }
    case OutputFormat::kHuman:
      break;
  }
  const std::string inliers = geometry ? fmt::format("{:>6} inliers  ", result.inliers) : "";
  return fmt::format("{:>6} matches  {}{:>6} keypoints  {}\n", result.matches, inliers, result.keypoints,
                     escape_for_terminal(path));
}

}  // namespace

void add_descriptor_options(CLI::App& app, DescriptorMatching& into) {
  const char* group = kDescriptorOptions;
  add_count(app, "--nfeatures", into.max_features, 1, jobs::kMaxFeatures, "Keep the N strongest keypoints of an image")
      ->default_str("5000")
      ->group(group);
  app.add_flag("--no-cross-check", into.no_cross_check,
               "A keypoint's nearest counts, also when something else is nearer to that")
      ->group(group);
  add_number(app, "--ratio", into.setup.ratio, 0.999, "R",
             "Lowe's test, too: the nearest must be nearer than R times the second nearest")
      ->group(group);
  app.add_flag("--geometry", into.geometry, "Count the matches that agree on one homography (RANSAC), too")
      ->group(group);
  add_number(app, "--inlier-px", into.inlier_px, 1000, "PX", "How far off such a match may lie; with --geometry")
      ->default_str("3")
      ->group(group);
  add_count(app, "--min-matches", into.min_matches, 1, 1'000'000,
            "List only images with so many matches; exit 1 if there is none")
      ->group(group);
  add_size(app, "--max-pixels", into.setup.max_pixels, "Leave out pictures with more pixels")
      ->default_str("100M")
      ->group(group);
  add_seconds(app, "--task-deadline", into.task_deadline_s, "Give up on a file after so many seconds without progress")
      ->group(group);
}

Result<ExitCode> match_descriptors(const DescriptorMatching& options, Session& session) {
  const jobs::MatchSetup setup = setup_of(options);
  PAIRLOOM_ASSIGN(auto prepared, prepare(options.files));
  std::optional<index::IndexReader> reader;
  std::optional<daemon::IndexedImages> indexed;
  if (!options.files.names_something()) {
    PAIRLOOM_ASSIGN(reader, index::IndexReader::open(session.index));
    prepared.request.source = &indexed.emplace(*reader);
  }
  auto pool = session.pool();
  pool.task_deadline_s = options.task_deadline_s;
  PAIRLOOM_ASSIGN(auto jobs, daemon::FileJobs::create(pool));
  PAIRLOOM_ASSIGN(const auto reference, daemon::describe_reference(jobs, options.reference, setup));
  if (reference.keypoints == 0)
    session.messages.warning(
        fmt::format("'{}' has no keypoints: nothing can match it", escape_for_terminal(options.reference)));

  FileJobReport report(session);
  uint64_t listed = 0;
  const auto sink = [&](const std::string& path, const daemon::MatchAnswer& answer) -> Result<> {
    if (is_failure(answer.outcome)) {
      report.failed(path, answer.outcome, answer.message);
      if (options.format != OutputFormat::kJsonl) return {};
      return report.row(json_line({{"type", "error"},
                                   {"path", json_path(path)},
                                   {"outcome", name_of(answer.outcome)},
                                   {"message", answer.message}}));
    }
    if (answer.outcome != Outcome::kIndexed) return {};
    if (!answer.message.empty()) report.damaged(path, answer.message);
    if (answer.result.matches < options.min_matches.value_or(0)) return {};
    ++listed;
    return report.row(row(path, answer.result, options.geometry, options.format));
  };
  PAIRLOOM_TRY(report.row(header(options, setup, reference.keypoints)));
  const auto summary =
      daemon::match_descriptors(jobs, reference, setup, std::move(prepared.request), sink, report.observer());
  if (!summary && !session.out.usable()) return ExitCode::kFailed;  // main says why, or ends quietly
  if (!summary) return tl::unexpected(summary.error());
  if (options.format == OutputFormat::kJsonl)
    session.out.write(json_line({{"type", "summary"},
                                 {"files", summary->files},
                                 {"matched", summary->done},
                                 {"listed", listed},
                                 {"failed", summary->failed},
                                 {"other_files", summary->not_images}}));
  const ExitCode code = report.finish(*summary);
  return code == ExitCode::kDone && listed == 0 ? ExitCode::kNegative : code;
}

}  // namespace pairloom::cli

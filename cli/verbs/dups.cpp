// pairloom dups: groups of near-duplicates from the index.
#include <fmt/format.h>

#include "base/text.h"
#include "cli/find_groups.h"
#include "cli/invariance.h"
#include "cli/path_text.h"
#include "cli/verb.h"
#include "index/index_reader.h"

namespace pairloom::cli {
namespace {

struct DupsOptions {
  GroupListing listing;
  std::vector<std::string> paths;
  bool fail_if_found = false;
  bool low_information = false;
};

std::string low_information_record(OutputFormat format, const index::FileRow& file, const ImageInfo& image) {
  switch (format) {
    case OutputFormat::kHuman:
      return fmt::format("quality {:>3}  {}x{}  {}\n", image.quality, image.width_px, image.height_px,
                         escape_for_terminal(file.path));
    case OutputFormat::kFdupes:
      return line_path(file.path) + "\n";
    case OutputFormat::kNull:
      return file.path + '\0';
    case OutputFormat::kCsv: {
      const auto path = csv_path(file.path);
      return csv_row({std::to_string(image.quality), std::to_string(image.width_px), std::to_string(image.height_px),
                      path.path, path.encoding});
    }
    case OutputFormat::kJsonl:
      return json_line({{"type", "low_information"},
                        {"path", json_path(file.path)},
                        {"quality", image.quality},
                        {"w", image.width_px},
                        {"h", image.height_px}});
  }
  return "";
}

Result<ExitCode> list_low_information(const DupsOptions& options, index::IndexReader& reader, Session& session) {
  const auto format = options.listing.format;
  if (format == OutputFormat::kCsv) session.out.write(csv_row({"quality", "width", "height", "path", "path_encoding"}));
  std::vector<index::ContentId> contents;
  PAIRLOOM_TRY(
      reader.visit_low_information(options.listing.query.similarity.algorithm, [&](index::ContentId id) -> Result<> {
        contents.push_back(id);
        return {};
      }));
  for (const auto id : contents) {
    PAIRLOOM_ASSIGN(const auto content, reader.content(id));
    PAIRLOOM_ASSIGN(const auto files, reader.files_of(id));
    for (const auto& file : files)
      if (content) session.out.write(low_information_record(format, file, content->image));
  }
  return options.fail_if_found && !contents.empty() ? ExitCode::kFound : ExitCode::kDone;
}

Result<ExitCode> dups(DupsOptions& options, Session& session) {
  PAIRLOOM_ASSIGN(auto reader, index::IndexReader::open(session.index));
  if (options.low_information) return list_low_information(options, reader, session);
  for (const auto& path : options.paths) options.listing.query.filter.under.push_back(canonical_path(path));
  const auto writer = make_group_writer(options.listing.format, session.out, session.out_style);
  PAIRLOOM_TRY(options.listing.query.similarity.limit());
  writer->begin(parameters_of(options.listing, session));
  PAIRLOOM_ASSIGN(const auto totals, list_groups(reader, options.listing, *writer, session));
  return options.fail_if_found && totals.groups > 0 ? ExitCode::kFound : ExitCode::kDone;
}

}  // namespace

Action declare_dups(CLI::App& app) {
  auto options = std::make_shared<DupsOptions>();
  add_paths(app, "PATH", options->paths, "Only groups with a file at or below one of these");
  add_group_options(app, options->listing.query);
  add_invariant_option(app, options->listing.query.turns,
                       "Also mirrored and rotated copies of each other; compared anew each time");
  add_output_option(
      app, options->listing.format,
      {OutputFormat::kHuman, OutputFormat::kFdupes, OutputFormat::kJsonl, OutputFormat::kCsv, OutputFormat::kNull});
  app.add_flag("--fail-if-found", options->fail_if_found, "Exit with 10 if there is a group")->group("Output");
  app.add_flag("--low-information", options->low_information,
               "List the images that are too flat to compare, which are never grouped by likeness")
      ->group("Output");
  return [options](Session& session) { return dups(*options, session); };
}

}  // namespace pairloom::cli

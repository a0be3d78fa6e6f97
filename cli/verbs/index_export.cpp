// pairloom index export, index failures: the index as rows for other programs.
#include <fmt/format.h>

#include "base/text.h"
#include "base/version.h"
#include "cli/path_text.h"
#include "cli/verb.h"
#include "index/index_reader.h"

namespace pairloom::cli {
namespace {

struct ExportOptions {
  OutputFormat format = OutputFormat::kJsonl;
  bool codes = false;
};

struct NamedCode {
  std::string_view algorithm;
  std::string hex;  // empty: this content has no such code
};

Result<std::vector<NamedCode>> codes_of(index::IndexReader& reader, index::ContentId content,
                                        const std::vector<Algorithm>& wanted) {
  std::vector<NamedCode> codes;
  for (const auto algorithm : wanted) {
    const auto& about = info(algorithm);
    PAIRLOOM_ASSIGN(const auto code, reader.code(content, algorithm));
    codes.push_back({about.name, code ? to_hex(*code, about.bits) : std::string()});
  }
  return codes;
}

std::string digest_text(const Digest& digest) {
  return fmt::format("{:016x}{:016x}", digest.hi, digest.lo);
}

std::string json_row(const index::FileRow& file, const index::ContentRow& content, const std::vector<NamedCode>& codes,
                     bool with_codes) {
  const auto& image = content.image;
  Json row = {{"type", "image"},
              {"path", json_path(file.path)},
              {"digest", digest_text(content.digest)},
              {"bytes", file.identity.size_bytes},
              {"mtime", utc_time(file.identity.mtime_ns)},
              {"format", name_of(image.format)},
              {"w", image.width_px},
              {"h", image.height_px},
              {"orientation", image.orientation},
              {"quality", image.quality},
              {"animated", image.animated},
              {"alpha", image.has_alpha},
              {"damaged", image.damaged}};
  if (image.damaged) row["warning"] = content.warning;
  if (with_codes) {
    row["codes"] = Json::object();
    for (const auto& code : codes)
      if (!code.hex.empty()) row["codes"][std::string(code.algorithm)] = code.hex;
  }
  return json_line(row);
}

std::string csv_line(const index::FileRow& file, const index::ContentRow& content,
                     const std::vector<NamedCode>& codes) {
  const auto& image = content.image;
  const auto path = csv_path(file.path);
  std::string line =
      csv_row({path.path, path.encoding, digest_text(content.digest), std::to_string(file.identity.size_bytes),
               utc_time(file.identity.mtime_ns), name_of(image.format), std::to_string(image.width_px),
               std::to_string(image.height_px), std::to_string(image.orientation), std::to_string(image.quality),
               image.animated ? "1" : "0", image.has_alpha ? "1" : "0", image.damaged ? "1" : "0"});
  line.pop_back();
  for (const auto& code : codes) line += "," + code.hex;
  return line + "\n";
}

void write_head(const ExportOptions& options, const std::vector<Algorithm>& algorithms, Session& session) {
  if (options.format == OutputFormat::kJsonl) {
    session.out.write(json_line({{"type", "header"},
                                 {"schema", "pairloom.image/1"},
                                 {"version", kVersion},
                                 {"index", json_path(session.index)}}));
    return;
  }
  std::string line = csv_row({"path", "path_encoding", "digest", "bytes", "mtime", "format", "width", "height",
                              "orientation", "quality", "animated", "alpha", "damaged"});
  line.pop_back();
  for (const auto algorithm : algorithms) line += fmt::format(",{}", info(algorithm).name);
  session.out.write(line + "\n");
}

Result<ExitCode> export_images(const ExportOptions& options, Session& session) {
  PAIRLOOM_ASSIGN(auto reader, index::IndexReader::open(session.index));
  std::vector<Algorithm> algorithms;
  if (options.codes) {
    PAIRLOOM_ASSIGN(const auto about, reader.info());
    for (const auto& a : about.algorithms)
      if (a.codes > 0) algorithms.push_back(a.algorithm);
  }
  write_head(options, algorithms, session);
  bool interrupted = false;
  auto visited = reader.visit_files([&](const index::FileRow& file) -> Result<> {
    if (file.outcome != Outcome::kIndexed || file.content == 0) return {};
    PAIRLOOM_ASSIGN(const auto content, reader.content(file.content));
    if (!content) return {};
    PAIRLOOM_ASSIGN(const auto codes, codes_of(reader, file.content, algorithms));
    session.out.write(options.format == OutputFormat::kCsv ? csv_line(file, *content, codes)
                                                           : json_row(file, *content, codes, options.codes));
    interrupted = !session.out.usable();
    return interrupted ? Result<>(fail(Errc::kIo, "standard output")) : Result<>();
  });
  if (!visited && !interrupted) return tl::unexpected<Error>(std::move(visited).error());
  return ExitCode::kDone;
}

std::string version_text(uint32_t number) {
  return fmt::format("{}.{}.{}", number / 10000, number / 100 % 100, number % 100);
}

// What helps to tell a decoder's maintainers: only of files that cost workers their lives.
std::string circumstances(const index::FailureRow& failure) {
  if (failure.outcome != Outcome::kCrashed && failure.outcome != Outcome::kTimedOut) return "";
  return fmt::format(" [{}pairloom {}]", failure.decoder.empty() ? "" : escape_for_terminal(failure.decoder) + ", ",
                     version_text(failure.program_version));
}

std::string failure_record(OutputFormat format, const index::FailureRow& failure) {
  switch (format) {
    case OutputFormat::kHuman:
      return fmt::format("{:<12} {}: {}{}\n", name_of(failure.outcome), escape_for_terminal(failure.path),
                         escape_for_terminal(failure.message), circumstances(failure));
    case OutputFormat::kFdupes:
      return line_path(failure.path) + "\n";
    case OutputFormat::kNull:
      return failure.path + '\0';
    case OutputFormat::kCsv: {
      const auto path = csv_path(failure.path);
      return csv_row({name_of(failure.outcome), failure.message, std::to_string(failure.attempts), path.path,
                      path.encoding, std::to_string(failure.signal), failure.decoder,
                      version_text(failure.program_version)});
    }
    case OutputFormat::kJsonl:
      return json_line({{"type", "failure"},
                        {"path", json_path(failure.path)},
                        {"outcome", name_of(failure.outcome)},
                        {"message", failure.message},
                        {"attempts", failure.attempts},
                        {"signal", failure.signal},
                        {"decoder", failure.decoder},
                        {"program_version", version_text(failure.program_version)}});
  }
  return "";
}

Result<ExitCode> failures(OutputFormat format, Session& session) {
  PAIRLOOM_ASSIGN(auto reader, index::IndexReader::open(session.index));
  if (format == OutputFormat::kCsv)
    session.out.write(csv_row({"outcome", "message", "attempts", "path", "path_encoding", "signal", "decoder", "program_version"}));
  uint64_t count = 0;
  PAIRLOOM_TRY(reader.visit_failures([&](const index::FailureRow& failure) -> Result<> {
    ++count;
    session.out.write(failure_record(format, failure));
    return {};
  }));
  if (format == OutputFormat::kHuman) {
    if (count == 0)
      session.messages.note("no failures");
    else
      session.messages.hint("pairloom index retry looks at them again");
  }
  return ExitCode::kDone;
}

}  // namespace

Action declare_index_export(CLI::App& app) {
  auto options = std::make_shared<ExportOptions>();
  add_output_option(app, options->format, {OutputFormat::kJsonl, OutputFormat::kCsv});
  app.add_flag("--codes", options->codes, "With the codes, as hexadecimal text")->group("Output");
  return [options](Session& session) { return export_images(*options, session); };
}

Action declare_index_failures(CLI::App& app) {
  auto format = std::make_shared<OutputFormat>(OutputFormat::kHuman);
  add_output_option(app, *format,
                    {OutputFormat::kHuman, OutputFormat::kJsonl, OutputFormat::kCsv, OutputFormat::kNull});
  return [format](Session& session) { return failures(*format, session); };
}

}  // namespace pairloom::cli

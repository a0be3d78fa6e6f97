#include "cli/match_formats.h"

#include <fmt/format.h>

#include "base/text.h"
#include "base/version.h"
#include "cli/invariance.h"
#include "cli/path_text.h"

namespace pairloom::cli {
namespace {

std::string_view match_word(const Match& match) {
  return match.identical ? "exact" : "near";
}

std::string code_text(const MatchQuery& query, Algorithm algorithm) {
  return to_hex(query.image.code, info(algorithm).bits);
}

std::string human_line(const Match& m, const Style& style) {
  const std::string mark = m.identical ? style.cyan("= exact") : style.yellow("~ near ");
  const std::string turn = m.orientation == 1 ? "" : fmt::format("  [{}]", name_of_turn(m.orientation));
  return fmt::format("{} {:>3}  {:>9}  {:<4}  {:>6}  {}{}\n", mark, m.distance,
                     fmt::format("{}x{}", m.image.width_px, m.image.height_px), name_of(m.image.format),
                     human_bytes(m.file.identity.size_bytes), escape_for_terminal(m.file.path), turn);
}

}  // namespace

void MatchWriter::begin() {
  if (format_ == OutputFormat::kCsv)
    session_->out.write(csv_row({"match", "distance", "width", "height", "format", "bytes", "path", "path_encoding",
                                 "turn", "query", "query_encoding"}));
}

void MatchWriter::answer(const MatchQuery& query, const std::vector<Match>& matches) {
  if (format_ == OutputFormat::kJsonl) {
    Json header = {{"type", "header"}, {"schema", "pairloom.match/1"}, {"version", kVersion}};
    if (!query.image.path.empty()) header["query"] = json_path(query.image.path);
    header.update({{"algorithm", info(algorithm_).name},
                   {"bits", info(algorithm_).bits},
                   {"low_information", query.image.low_information},
                   {"code", code_text(query, algorithm_)}});
    session_->out.write(json_line(header));
  }
  if (format_ == OutputFormat::kHuman && many_)
    session_->out.write(session_->out_style.bold(escape_for_terminal(query.shown_as)) + "\n");
  for (const Match& match : matches) write(query, match);
  if (!many_) return;
  if (format_ == OutputFormat::kHuman || format_ == OutputFormat::kFdupes) session_->out.write("\n");
  if (format_ == OutputFormat::kNull) session_->out.write(std::string_view("\0", 1));
}

void MatchWriter::write(const MatchQuery& query, const Match& m) {
  const auto& path = m.file.path;
  auto& out = session_->out;
  switch (format_) {
    case OutputFormat::kHuman:
      return out.write(human_line(m, session_->out_style));
    case OutputFormat::kFdupes:
      return out.write(line_path(path) + "\n");
    case OutputFormat::kNull:
      return out.write(path + '\0');
    case OutputFormat::kCsv: {
      const auto column = csv_path(path);
      const auto asked = query.image.path.empty() ? CsvPath{code_text(query, algorithm_), "code"}
                                                  : csv_path(query.image.path);
      return out.write(csv_row({match_word(m), std::to_string(m.distance), std::to_string(m.image.width_px),
                                std::to_string(m.image.height_px), name_of(m.image.format),
                                std::to_string(m.file.identity.size_bytes), column.path, column.encoding,
                                name_of_turn(m.orientation), asked.path, asked.encoding}));
    }
    case OutputFormat::kJsonl:
      return out.write(json_line({{"type", "match"},
                                  {"path", json_path(path)},
                                  {"match", match_word(m)},
                                  {"dist", m.distance},
                                  {"w", m.image.width_px},
                                  {"h", m.image.height_px},
                                  {"format", name_of(m.image.format)},
                                  {"bytes", m.file.identity.size_bytes},
                                  {"turn", name_of_turn(m.orientation)}}));
  }
}

void MatchWriter::unusable(const std::string& path, const Error& error) {
  session_->messages.error(error.message);
  if (format_ == OutputFormat::kJsonl)
    session_->out.write(json_line({{"type", "error"}, {"path", json_path(path)}, {"message", error.message}}));
}

}  // namespace pairloom::cli

// One image of an index as `index export` writes it and `index import` reads it, in JSON lines and in CSV: everything that
// is needed to make the row again without opening the file. Formats: docs/cli.md, "Export and import". Runs in: cli.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/algorithm.h"
#include "base/result.h"
#include "index/rows.h"

namespace pairloom::cli {

struct ImageRecord {
  std::string path;
  StatIdentity identity;  // without the device
  index::ContentRow content;
  std::map<Algorithm, Code> codes;
  std::vector<Algorithm> lacks;  // beside arrays: the image's rows in these hold nothing
};

// Ends with a newline. `algorithms`: which codes are written; in CSV a column for each.
std::string json_row(const ImageRecord& image, const std::vector<Algorithm>& algorithms);
std::string csv_head(const std::vector<Algorithm>& algorithms);
std::string csv_line(const ImageRecord& image, const std::vector<Algorithm>& algorithms);

// The image of a line, checked as a stranger's: kInvalidArgument says what is wrong with it. Empty for records of other
// types (the header).
Result<std::optional<ImageRecord>> image_from_json(const std::string& line);
// By the columns of csv_head(), in any order; `fields` as parse_csv_row() gives them.
Result<ImageRecord> image_from_csv(const std::vector<std::string>& columns, const std::vector<std::string>& fields);
// RFC 4180. Empty when quotes are open at the end: the row goes on in the next line.
std::optional<std::vector<std::string>> parse_csv_row(const std::string& text);

}  // namespace pairloom::cli

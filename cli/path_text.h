// File names in every output format. Names are bytes: newlines, invalid UTF-8 and leading dashes come back as they
// were. The rules are promises: docs/cli.md, "File names". Runs in: cli.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/json_text.h"

namespace pairloom::cli {

// A path on a line of its own: as it is; but if it holds a control character or begins with a backslash, the line
// begins with a backslash and \\ \n \r \t \xHH stand for those bytes (md5sum's rule, with all control characters).
std::string line_path(std::string_view path);

// RFC 4180: quoted when it holds a comma, a quote, CR or LF; quotes doubled. Rows end with LF.
std::string csv_row(std::initializer_list<std::string_view> fields);
// A path as two columns, `path` and `path_encoding`: ("…", "text") or (base64, "base64").
struct CsvPath {
  std::string path;
  std::string_view encoding;
};
CsvPath csv_path(std::string_view path);

// As the index stores paths: absolute, without symbolic links as far as the path exists, without "." and "..".
std::string canonical_path(const std::string& path);
// True for `root` itself and for what is below it; both canonical.
bool lies_under(const std::string& path, const std::string& root);

// "2024-05-01T12:00:00.123456789Z"
std::string utc_time(int64_t wall_ns);

}  // namespace pairloom::cli

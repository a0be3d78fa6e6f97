// What people and scripts write: sizes, lists of codes, features with parameters; and file names on their way out.
#include <string>

#include "base/algorithm.h"
#include "base/json_text.h"
#include "base/quantity.h"
#include "base/text.h"
#include "cli/options.h"
#include "cli/path_text.h"
#include "tests/fuzz/fuzz_target.h"
#include "workerproc/features/parameters.h"
#include "workerproc/worker_options.h"

namespace pairloom::test {
namespace {

void check_escaped(std::string_view text) {
  const std::string shown = escape_for_terminal(text);
  must(is_valid_utf8(shown), "what is shown is text");
  for (const char c : shown) must(static_cast<unsigned char>(c) >= 32 && c != 127, "nothing moves the cursor");
}

void check_names(std::string_view name) {
  const std::string line = json_line({{"path", json_path(name)}});
  must(line.ends_with('\n') && line.find('\n') == line.size() - 1, "a record is a line");
  must(cli::line_path(name).find('\n') == std::string::npos, "a path is a line");
  must(cli::csv_row({name}).ends_with('\n'), "a row ends");
}

void check_words(std::string_view text) {
  static_cast<void>(parse_size(text));
  static_cast<void>(algorithm_set_from_names(std::string(text)));
  must(cli::unprotect_argument(cli::protect_argument(text)) == text, "an argument comes back as it was");
  if (auto parameters = workerproc::Parameters::parse(text)) {
    static_cast<void>(parameters->take("points", 8, 4, 24));
    static_cast<void>(parameters->all_taken());
  }
}

void check_worker_options(std::string_view text) {
  std::vector<std::string> words;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  static_cast<void>(workerproc::parse_worker_options(arguments));
}

void read_text(std::span<const std::byte> input) {
  const std::string_view text = text_of(input);
  check_escaped(text);
  check_names(text);
  check_words(text);
  check_worker_options(text);
}

std::vector<Bytes> texts() {
  return {bytes_of("512Mi"), bytes_of("1.5G"), bytes_of("pdq,dhash,phash256"), bytes_of("lbp:points=16:radius=2"),
          bytes_of("[a,b]"), bytes_of("name\xFF\n\x1B[2J \xE2\x82\xAC"), bytes_of("--lane 3 --socket 4 --files 5 --memory 1"),
          bytes_of("a\"b,c\r\n\\d")};
}

}  // namespace

void add_text_targets(std::vector<FuzzTarget>& targets) {
  targets.push_back({"text", read_text, texts});
}

}  // namespace pairloom::test

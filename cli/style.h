// Colours, when there is someone to see them. Colour never carries meaning alone. Runs in: cli.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pairloom::cli {

enum class ColorMode { kAuto, kAlways, kNever };

class Style {
 public:
  explicit Style(bool on) : on_(on) {}
  // kAuto: `fd` is a terminal, NO_COLOR is unset or empty (no-color.org), and TERM is not "dumb".
  static Style for_fd(ColorMode mode, int fd);

  bool on() const { return on_; }
  std::string bold(std::string_view text) const { return paint("1", text); }
  std::string dim(std::string_view text) const { return paint("2", text); }
  std::string red(std::string_view text) const { return paint("31", text); }
  std::string green(std::string_view text) const { return paint("32", text); }
  std::string yellow(std::string_view text) const { return paint("33", text); }
  std::string cyan(std::string_view text) const { return paint("36", text); }

 private:
  std::string paint(std::string_view code, std::string_view text) const;
  bool on_;
};

bool is_terminal(int fd);      // and one that can move its cursor: TERM is set and not "dumb"
int terminal_columns(int fd);  // 80 when unknown
size_t terminal_rows(int fd);  // 24 when unknown
// As much of a line as fits; escape sequences take no room and are kept.
std::string first_columns(std::string_view line, int columns);

}  // namespace pairloom::cli

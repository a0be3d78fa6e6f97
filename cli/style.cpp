#include "cli/style.h"

#include <sys/ioctl.h>
#include <unistd.h>
#include <cstdlib>

namespace pairloom::cli {

bool is_terminal(int fd) {
  const char* term = std::getenv("TERM");
  return ::isatty(fd) == 1 && term != nullptr && *term != '\0' && std::string_view(term) != "dumb";
}

int terminal_columns(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

size_t terminal_rows(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 1 ? size.ws_row : 24;
}

std::string first_columns(std::string_view line, int columns) {
  std::string out;
  int used = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\x1b') {  // up to the letter that ends it
      for (; i < line.size() && line[i] != 'm'; ++i) out += line[i];
      if (i < line.size()) out += line[i];
      continue;
    }
    const bool begins_character = (static_cast<unsigned char>(line[i]) & 0xC0) != 0x80;
    if (begins_character && ++used > columns) continue;
    if (used <= columns) out += line[i];
  }
  return out;
}

Style Style::for_fd(ColorMode mode, int fd) {
  if (mode != ColorMode::kAuto) return Style(mode == ColorMode::kAlways);
  const char* no_color = std::getenv("NO_COLOR");
  return Style(is_terminal(fd) && (no_color == nullptr || *no_color == '\0'));
}

std::string Style::paint(std::string_view code, std::string_view text) const {
  if (!on_) return std::string(text);
  std::string out = "\x1b[";
  out.append(code).append("m").append(text).append("\x1b[0m");
  return out;
}

}  // namespace pairloom::cli

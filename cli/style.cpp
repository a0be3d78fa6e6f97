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

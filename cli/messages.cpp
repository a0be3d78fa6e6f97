#include "cli/messages.h"

#include <string>

#include "base/fd.h"

namespace pairloom::cli {

void Messages::print(std::string_view label, std::string_view text) {
  if (clear_) clear_();
  std::string line;
  line.append(label).append(text).append("\n");
  // Nobody is left to tell when standard error itself cannot be written.
  static_cast<void>(write_all(fd_, line.data(), line.size(), "standard error"));
}

void Messages::error(std::string_view text) {
  print(style_.red("pairloom: "), text);
}
void Messages::warning(std::string_view text) {
  if (!quiet_) print(style_.yellow("warning: "), text);
}
void Messages::note(std::string_view text) {
  if (!quiet_) print("", text);
}
void Messages::hint(std::string_view text) {
  if (!quiet_) print(style_.cyan("hint: "), text);
}
void Messages::detail(std::string_view text) {
  if (verbose_ && !quiet_) print("", text);
}

}  // namespace pairloom::cli

#include "service/journal.h"

#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>
#include <systemd/sd-journal.h>

#include "base/fd.h"
#include "base/text.h"

namespace pairloom::service {
namespace {

// systemd names the journal's stream by device and inode (systemd.exec(5), JOURNAL_STREAM).
bool stderr_is_the_journal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat st {};
  if (!stream || ::fstat(STDERR_FILENO, &st) != 0) return false;
  return fmt::format("{}:{}", st.st_dev, st.st_ino) == stream;
}

}  // namespace

Journal::Journal() : structured_(stderr_is_the_journal()) {}

void Journal::say(Priority priority, const std::string& message, const std::vector<Field>& fields) {
  write(priority, message, fields);
}

void Journal::write(Priority priority, const std::string& message, const std::vector<Field>& fields) {
  if (!structured_) {
    const std::string line = "pairloomd: " + message + "\n";
    // Whoever closed standard error does not want to know.
    static_cast<void>(write_all(STDERR_FILENO, line.data(), line.size(), "standard error"));
    return;
  }
  std::vector<std::string> texts = {"MESSAGE=" + message, fmt::format("PRIORITY={}", static_cast<int>(priority)),
                                    "SYSLOG_IDENTIFIER=pairloomd"};
  for (const Field& field : fields) texts.push_back(std::string(field.name) + "=" + field.value);
  std::vector<iovec> parts;
  for (std::string& text : texts) parts.push_back({text.data(), text.size()});
  ::sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
}

}  // namespace pairloom::service

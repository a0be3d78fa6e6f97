// Journal: what pairloomd says. To the system's journal, with fields to ask by, when standard error leads there; else as
// lines on standard error. Runs in: supervisor.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pairloom::service {

enum class Priority : int { kError = 3, kWarning = 4, kNotice = 5, kInfo = 6 };  // syslog(3)'s

class Journal {
 public:
  Journal();
  virtual ~Journal() = default;

  struct Field {
    std::string_view name;  // "PAIRLOOM_PATH"
    std::string value;      // any bytes
  };
  // One line. `message` is complete without the fields.
  void say(Priority priority, const std::string& message, const std::vector<Field>& fields = {});
  void error(const std::string& message) { say(Priority::kError, message); }
  void warning(const std::string& message) { say(Priority::kWarning, message); }
  void notice(const std::string& message) { say(Priority::kNotice, message); }
  void info(const std::string& message) { say(Priority::kInfo, message); }

 protected:
  virtual void write(Priority priority, const std::string& message, const std::vector<Field>& fields);

 private:
  bool structured_;
};

}  // namespace pairloom::service

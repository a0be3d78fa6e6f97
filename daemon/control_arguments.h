// ControlArguments: the arguments of a client's request, taken one by one and checked. A value of the wrong kind, out of
// range, or that nobody asked for makes the request invalid; the first such is what the client hears of. Values out of a
// query string are strings: numbers and flags may be spelled so. Runs in: supervisor.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/json_text.h"

namespace pairloom::daemon {

class ControlArguments {
 public:
  // Borrows the object.
  explicit ControlArguments(const Json& object) : object_(object) {}

  // Each leaves `into` as it is when the key is absent or the value is wrong.
  void text(const char* key, std::string& into);
  void path(const char* key, std::string& into);                 // absolute; a string, {"text"} or {"bytes"}
  void paths(const char* key, std::vector<std::string>& into);   // an array of such, or one
  void names(const char* key, std::vector<std::string>& into);   // any bytes: globs
  void flag(const char* key, bool& into);
  void whole(const char* key, uint64_t& into, uint64_t min, uint64_t max);
  void number(const char* key, double& into, double min, double max);
  bool has(const char* key) const { return object_.contains(key); }
  void complain(const std::string& about);  // from the caller's own checks

  // kInvalidArgument with the first complaint, or when a key was not taken.
  Result<> finish() const;

 private:
  const Json* find(const char* key);
  void list(const char* key, std::vector<std::string>& into, bool absolute);

  const Json& object_;
  std::set<std::string> taken_;
  std::string complaint_;
};

}  // namespace pairloom::daemon

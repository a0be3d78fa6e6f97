// What is asked for of a feature: "lbp:points=16:radius=2". Runs in: worker only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace pairloom::workerproc {

class Parameters {
 public:
  // kInvalidArgument: no name, a part without "=", a key twice.
  static Result<Parameters> parse(std::string_view spec);

  const std::string& name() const { return name_; }
  // The number of that key, or `otherwise`. kInvalidArgument when it is no whole number from `least` to `most`.
  Result<uint32_t> take(std::string_view key, uint32_t otherwise, uint32_t least, uint32_t most);
  // kInvalidArgument when something was given that nobody has taken.
  Result<> all_taken() const;

 private:
  std::string name_;
  std::vector<std::pair<std::string, std::string>> given_;
  std::vector<std::string> known_;
};

}  // namespace pairloom::workerproc

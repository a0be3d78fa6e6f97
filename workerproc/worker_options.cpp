#include "workerproc/worker_options.h"

#include <charconv>
#include <string_view>

#include <fmt/format.h>

namespace pairloom::workerproc {
namespace {

// The number behind the option at `i`, which moves on to it.
template <class Number>
Result<> read_number(std::span<char* const> arguments, size_t& i, Number& into) {
  const std::string_view name = arguments[i];
  if (i + 1 == arguments.size()) return fail(Errc::kInvalidArgument, fmt::format("{} wants a number", name));
  const std::string_view text = arguments[++i];
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  if (error != std::errc() || end != text.data() + text.size())
    return fail(Errc::kInvalidArgument, fmt::format("{} wants a number, not '{}'", name, text));
  return {};
}

}  // namespace

Result<WorkerOptions> parse_worker_options(std::span<char* const> arguments) {
  struct NumberOption {
    std::string_view name;
    int WorkerOptions::*field;
  };
  static constexpr NumberOption kNumbers[] = {{"--lane", &WorkerOptions::lane_fd},
                                              {"--socket", &WorkerOptions::socket_fd},
                                              {"--files", &WorkerOptions::files_fd},
                                              {"--cpu", &WorkerOptions::cpu}};
  WorkerOptions options;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view name = arguments[i];
    if (name == "--version")
      options.show_version = true;
    else if (name == "--decoders")
      options.list_decoders = true;
    else if (name == "--sandbox")
      options.show_sandbox = true;
    else if (name == "--rare-decoders")
      options.rare_decoders = true;
    else if (name == "--plugin" && i + 1 < arguments.size())
      options.plugins.emplace_back(arguments[++i]);
    else if (name == "--memory") {
      PAIRLOOM_TRY(read_number(arguments, i, options.memory_bytes));
    } else {
      const NumberOption* number = nullptr;
      for (const auto& candidate : kNumbers)
        if (candidate.name == name) number = &candidate;
      if (!number) return fail(Errc::kInvalidArgument, fmt::format("bad argument '{}'", name));
      PAIRLOOM_TRY(read_number(arguments, i, options.*(number->field)));
    }
  }
  const bool informs = options.show_version || options.list_decoders || options.show_sandbox;
  if (!informs && (options.lane_fd < 0 || options.socket_fd < 0 || options.files_fd < 0))
    return fail(Errc::kInvalidArgument, "is started by pairloom, not by hand (see pairloom --help)");
  return options;
}

}  // namespace pairloom::workerproc

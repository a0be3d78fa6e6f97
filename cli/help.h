// How --help looks: what it is, examples, arguments, options by group. Runs in: cli.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <span>
#include <string>

#include "cli/verb.h"

namespace pairloom::cli {

class HelpFormatter : public CLI::FormatterBase {
 public:
  HelpFormatter(std::string full_name, std::span<const Example> examples)
      : full_name_(std::move(full_name)), examples_(examples) {}
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;

 private:
  std::string full_name_;  // "pairloom index add"
  std::span<const Example> examples_;
};

// `text` in lines of at most `width` columns, each but the first indented by `indent`; words are not broken.
std::string wrapped(std::string_view text, size_t indent, size_t width);

}  // namespace pairloom::cli

// Messages: everything said on standard error. Keeps the progress line and the messages apart. Runs in: cli.
#pragma once

#include <functional>
#include <string_view>

#include "cli/style.h"

namespace pairloom::cli {

class Messages {
 public:
  Messages(int fd, Style style, bool quiet, bool verbose) : fd_(fd), style_(style), quiet_(quiet), verbose_(verbose) {}

  void error(std::string_view text);    // always shown
  void warning(std::string_view text);  // this and the others: not with --quiet
  void note(std::string_view text);
  void hint(std::string_view text);
  void detail(std::string_view text);  // only with --verbose

  bool quiet() const { return quiet_; }
  bool verbose() const { return verbose_; }
  int fd() const { return fd_; }
  // Called before each message: the progress bar takes its line away.
  void before_each(std::function<void()> clear) { clear_ = std::move(clear); }

 private:
  void print(std::string_view label, std::string_view text);
  int fd_;
  Style style_;
  bool quiet_, verbose_;
  std::function<void()> clear_;
};

}  // namespace pairloom::cli

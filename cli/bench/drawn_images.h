// Pictures for benchmarks, drawn into a temporary directory: ground with uneven light and grain, and round spots, so
// that every job finds in them what it looks for, in proportion to their size. Runs in: cli.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace pairloom::cli {

// A PPM file of side x side pixels; the same on every machine.
std::string draw_ppm(uint32_t side_px, uint32_t seed);

// A directory that goes with everything in it.
class ScratchDirectory {
 public:
  static Result<ScratchDirectory> create();  // below $TMPDIR or /tmp
  ScratchDirectory(ScratchDirectory&& other) noexcept;
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  ~ScratchDirectory();

  const std::string& path() const { return path_; }
  Result<std::string> write(const std::string& name, const std::string& bytes) const;  // the file's path

 private:
  explicit ScratchDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// `count` different pictures of one size.
Result<std::vector<std::string>> draw_pictures(const ScratchDirectory& scratch, uint32_t side_px, uint32_t count);

}  // namespace pairloom::cli

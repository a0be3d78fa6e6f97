// The same work per file as pairloom index add (read, digest, decode, hash) in a plain loop in one process: no
// supervisor, no rings, no sandbox, no index. What is left between the two is what those cost.
//   bare_loop FEATURE LIST         FEATURE: pdq, dhash, phash, phash-256; LIST: a file of paths, one a line
// Prints files and seconds of processor time.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "base/algorithm.h"
#include "base/fd.h"
#include "workerproc/extract/extract.h"

namespace {

using namespace pairloom;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Into a buffer that only grows. The number of bytes; 0: it cannot be read.
size_t read_file(const char* path, std::vector<std::byte>& buffer) {
  const Fd fd(::open(path, O_RDONLY | O_CLOEXEC));
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0) return 0;
  const auto size = static_cast<size_t>(st.st_size);
  if (buffer.size() < size) buffer.resize(size);
  return ::read(fd.get(), buffer.data(), size) == st.st_size ? size : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto algorithm = algorithm_from_name(argc == 3 ? argv[1] : "");
  if (!algorithm) {
    std::fprintf(stderr, "usage: bare_loop FEATURE LIST\n");
    return 2;
  }
  std::vector<std::string> paths;
  std::ifstream list(argv[2]);
  for (std::string line; std::getline(list, line);) paths.push_back(line);

  jobs::IndexSetup setup;
  setup.algorithms = set_of(*algorithm);
  workerproc::Extractor extractor(setup);
  std::vector<std::byte> buffer;
  uint64_t stage_ns[8] = {};
  size_t indexed = 0;
  const double start = cpu_seconds();
  for (const std::string& path : paths)
    if (const size_t size = read_file(path.c_str(), buffer))
      indexed += extractor.extract(std::span(buffer).first(size), stage_ns).outcome == Outcome::kIndexed;
  std::printf("%zu %.6f\n", indexed, cpu_seconds() - start);
  return indexed > 0 ? 0 : 1;
}

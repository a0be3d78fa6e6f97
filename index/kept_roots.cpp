#include "index/kept_roots.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>

#include "base/fd.h"
#include "base/json_text.h"

namespace pairloom::index {
namespace {

// Empty when it is none.
std::string root_in(std::string_view line) {
  const Json record = Json::parse(line, nullptr, false);
  return record.is_object() && record.contains("root") ? path_from_json(record["root"]) : std::string();
}

Result<> sync_directory_of(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  const Fd fd(::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return fail_errno("cannot store '" + path + "'", errno);
  return {};
}

// False when there is something and it does not end in a newline.
bool ends_with_a_line(int fd, off_t size) {
  char last = '\n';
  return size == 0 || (::pread(fd, &last, 1, size - 1) == 1 && last == '\n');
}

}  // namespace

std::string kept_roots_path(const std::string& index_path) {
  return index_path + "-roots";
}

Result<> keep_root(const std::string& index_path, const std::string& root) {
  const std::string path = kept_roots_path(index_path);
  std::string line = Json{{"root", json_path(root)}}.dump() + "\n";
  const Fd fd(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd) return fail_errno("cannot open '" + path + "'", errno);
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return fail_errno("cannot read '" + path + "'", errno);
  if (!ends_with_a_line(fd.get(), st.st_size)) line.insert(0, 1, '\n');
  PAIRLOOM_TRY(write_all(fd.get(), line.data(), line.size(), "'" + path + "'"));
  if (::fdatasync(fd.get()) != 0) return fail_errno("cannot store '" + path + "'", errno);
  return st.st_size == 0 ? sync_directory_of(path) : Result<>{};
}

Result<std::vector<std::string>> kept_roots(const std::string& index_path) {
  const std::string path = kept_roots_path(index_path);
  std::vector<std::string> roots;
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd && errno == ENOENT) return roots;
  if (!fd) return fail_errno("cannot open '" + path + "'", errno);
  std::string unread;
  std::array<char, 65536> buffer;
  while (true) {
    PAIRLOOM_ASSIGN(const size_t got, read_up_to(fd.get(), buffer.data(), buffer.size(), "'" + path + "'"));
    unread.append(buffer.data(), got);
    size_t begin = 0;
    for (size_t end; (end = unread.find('\n', begin)) != std::string::npos; begin = end + 1)
      if (auto root = root_in(std::string_view(unread).substr(begin, end - begin)); !root.empty())
        roots.push_back(std::move(root));
    unread.erase(0, begin);
    if (got < buffer.size()) return roots;
  }
}

}  // namespace pairloom::index

#include "tests/support/index_contents.h"

#include <stdexcept>
#include <utility>

#include "index/index_reader.h"

namespace pairloom::test {
namespace {

template <class T>
T value(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace

IndexContents contents_of(const std::string& index_path) {
  IndexContents all;
  auto index = value(index::IndexReader::open(index_path));
  std::map<index::ContentId, std::string> first_path;
  value(index.visit_files([&](const index::FileRow& file) -> Result<> {
    std::string& text = all.files[file.path];
    text = std::string(name_of(file.outcome));
    if (file.content == 0) return {};
    first_path.emplace(file.content, file.path);
    PAIRLOOM_ASSIGN(const auto content, index.content(file.content));
    text += " " + std::to_string(content->digest.lo) + " " + std::to_string(content->image.width_px) + "x" +
            std::to_string(content->image.height_px);
    PAIRLOOM_ASSIGN(const auto code, index.code(file.content, Algorithm::kPdq));
    text += " " + (code ? to_hex(*code, 256) : std::string("no code"));
    return {};
  }));
  value(index.visit_pairs(Algorithm::kPdq, 31, [&](const index::PairRow& pair) -> Result<> {
    std::string a = first_path.at(pair.a), b = first_path.at(pair.b);
    if (a > b) std::swap(a, b);
    all.pairs.insert(a + " " + b + " " + std::to_string(pair.distance));
    return {};
  }));
  return all;
}

std::string problems_of(const std::string& index_path) {
  auto index = value(index::IndexReader::open(index_path));
  std::string all;
  for (const std::string& problem : value(index.verify())) all += problem + "\n";
  return all;
}

}  // namespace pairloom::test

// What the index tests share: a directory of their own, results out of thin air, and raw SQL on the index file.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "index/index_reader.h"
#include "index/index_writer.h"

namespace pairloom::index {

// The value, or the test ends with the error's message.
template <class T>
T value(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

class IndexTest : public testing::Test {
 protected:
  IndexTest() {
    std::string name = (std::filesystem::temp_directory_path() / "pairloom-index-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    directory_ = name;
  }
  ~IndexTest() override { std::filesystem::remove_all(directory_); }

  std::string path() const { return (directory_ / "index.db").string(); }
  std::string code_path(const std::string& algorithm = "pdq") const { return path() + "-codes." + algorithm; }
  IndexWriter open_writer() const { return value(IndexWriter::open(path(), "pairloom test")); }
  IndexReader open_reader() const { return value(IndexReader::open(path())); }

  // Different seeds are different files. Codes of different seeds are about 128 bits apart, unless `code` says
  // otherwise.
  static Code code_of(uint64_t seed) {
    Code code;
    for (uint64_t& word : code.words) word = seed = (seed ^ (seed >> 31)) * 0x9E3779B97F4A7C15u + 0x7F4A7C15u;
    return code;
  }
  static StatIdentity identity_of(uint64_t seed) {
    return {
        .device = 7, .inode = 1000 + seed, .size_bytes = 5000 + seed, .mtime_ns = int64_t(seed) * 10, .ctime_ns = 3};
  }
  static FileResult image(DirectoryId directory, const std::string& name, uint64_t seed) {
    FileResult result;
    result.directory = directory;
    result.name = name;
    result.identity = identity_of(seed);
    result.digest = {.lo = seed, .hi = ~seed};
    result.image.format = ImageFormat::kJpeg;
    result.image.width_px = 640;
    result.image.height_px = 480;
    result.image.quality = 100;
    result.codes = {{Algorithm::kPdq, code_of(seed)}};
    return result;
  }
  static FileResult failure(DirectoryId directory, const std::string& name, Outcome outcome,
                            const std::string& message) {
    FileResult result;
    result.directory = directory;
    result.name = name;
    result.identity = identity_of(1);
    result.outcome = outcome;
    result.message = message;
    return result;
  }

  // Raw SQL, as `sqlite3 index.db` would run it: the first column of every row, as text.
  std::vector<std::string> sql(const std::string& statement) const {
    sqlite3* db = nullptr;
    std::vector<std::string> rows;
    const auto add = [](void* out, int columns, char** texts, char**) {
      if (columns > 0) static_cast<std::vector<std::string>*>(out)->emplace_back(texts[0] ? texts[0] : "NULL");
      return 0;
    };
    char* message = nullptr;
    if (sqlite3_open(path().c_str(), &db) != SQLITE_OK ||
        sqlite3_exec(db, statement.c_str(), add, &rows, &message) != SQLITE_OK) {
      rows = {"error: " + std::string(message ? message : sqlite3_errmsg(db))};
    }
    sqlite3_free(message);
    sqlite3_close(db);
    return rows;
  }
  std::string sql_value(const std::string& statement) const {
    const auto rows = sql(statement);
    return rows.empty() ? "(no row)" : rows[0];
  }

  std::vector<std::string> live_paths(IndexReader& reader) const {
    std::vector<std::string> paths;
    value(reader.visit_files([&](const FileRow& file) -> Result<> {
      paths.push_back(file.path);
      return {};
    }));
    return paths;
  }
  std::vector<std::string> problems() const { return value(open_reader().verify()); }

  std::filesystem::path directory_;
};

}  // namespace pairloom::index

// What tests of the program share: pictures to show it, and a directory and an index of their own.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/draw.h"
#include "tests/support/encode.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/cli/decode.h"

namespace pairloom {

using nlohmann::json;
using test::Finished;

inline std::string_view text_of(const test::Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::string jpeg(uint64_t seed, int width = 320, int height = 240, int quality = 90) {
  test::JpegOptions options;
  options.quality = quality;
  return std::string(text_of(test::encode_jpeg(test::draw_picture(seed, width, height), options)));
}

inline std::string png(uint64_t seed, const std::string& text = "") {
  test::PngOptions options;
  options.text = text;
  return std::string(text_of(test::encode_png(test::draw_picture(seed, 320, 240), options)));
}

inline std::vector<json> records(const std::string& jsonl) {
  std::vector<json> all;
  for (const auto& group : test::from_grouped(jsonl, '\n'))
    for (const auto& line : group) all.push_back(json::parse(line));
  return all;
}

using Groups = std::set<std::set<std::string>>;
inline Groups as_sets(const std::vector<std::vector<std::string>>& groups) {
  Groups sets;
  for (const auto& group : groups) sets.emplace(group.begin(), group.end());
  return sets;
}

class Cli : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("PAIRLOOM_INDEX", index_.c_str(), 1);
    ::unsetenv("NO_COLOR");
  }

  Finished run(std::vector<std::string> arguments, const std::string& input = "") const {
    arguments.insert(arguments.begin(), PAIRLOOM_PROGRAM);
    return test::run_program(arguments, input);
  }
  Finished shell(const std::string& script) const {
    return test::run_program({"/bin/sh", "-c", script, "sh", PAIRLOOM_PROGRAM, pictures_});
  }
  std::string add(std::string_view name, const std::string& bytes) const {
    return dir_.write("p/" + std::string(name), bytes);
  }
  std::string at(std::string_view name) const { return pictures_ + "/" + std::string(name); }

  // Two families and a loner: a.jpg = copy.jpg, a-small.jpg is near; b.jpg, b.png are near.
  void add_families() const {
    add("a.jpg", jpeg(1, 640, 480));
    add("sub/copy.jpg", jpeg(1, 640, 480));
    add("a-small.jpg", jpeg(1, 200, 150, 70));
    add("b.jpg", jpeg(2));
    add("b.png", png(2));
    add("loner.jpg", jpeg(3));
    add("notes.txt", "no picture");
  }
  Groups families() const { return {{at("a.jpg"), at("sub/copy.jpg"), at("a-small.jpg")}, {at("b.jpg"), at("b.png")}}; }

  test::TempDir dir_;
  std::string pictures_ = dir_ / "p", index_ = dir_ / "index.db";
};

}  // namespace pairloom

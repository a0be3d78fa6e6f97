#include "cli/group_formats.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/unit/cli/decode.h"

namespace pairloom::cli {
namespace {

GroupFile file(const std::string& path, uint32_t content, uint32_t distance) {
  GroupFile f;
  f.path = path;
  f.content = content;
  f.distance = distance;
  f.image.format = ImageFormat::kJpeg;
  f.image.width_px = 4032;
  f.image.height_px = 3024;
  f.identity.size_bytes = 1'234'567;
  f.identity.mtime_ns = 1'714'564'800'000'000'000;
  return f;
}

// The group of the documentation.
DuplicateGroup example() {
  DuplicateGroup g;
  g.id = "g-00000000000000ab";
  g.files = {file("/p/a.jpg", 1, 0), file("/p/copy of a.jpg", 1, 0), file("/p/small.jpg", 2, 7)};
  g.files[0].keep = true;
  g.files[1].exact = true;
  g.files[2].image.width_px = 800;
  g.files[2].image.height_px = 600;
  g.files[2].identity.size_bytes = 90'000;
  g.max_distance = 7;
  g.reclaimable_bytes = 1'324'567;
  g.keep_reason = "most pixels";
  return g;
}

std::string printed(OutputFormat format, const std::vector<DuplicateGroup>& groups, bool colour = false) {
  const Fd memory(::memfd_create("out", MFD_CLOEXEC));
  Output out(memory.get());
  const auto writer = make_group_writer(format, out, Style(colour));
  GroupParameters parameters;
  parameters.index = "/i.db";
  parameters.algorithm = "pdq";
  parameters.bits = 256;
  parameters.distance = 31;
  parameters.linkage = "star";
  parameters.sort = "reclaim";
  writer->begin(parameters);
  GroupTotals totals;
  for (const auto& g : groups) {
    writer->group(g);
    ++totals.groups;
    ++totals.shown;
    totals.files += g.files.size();
    totals.redundant += g.files.size() - 1;
    totals.reclaimable_bytes += g.reclaimable_bytes;
  }
  writer->end(totals);
  EXPECT_TRUE(out.finish());
  ::lseek(memory.get(), 0, SEEK_SET);
  std::string text(1 << 20, '\0');
  text.resize(read_up_to(memory.get(), text.data(), text.size(), "memfd").value());
  return text;
}

TEST(GroupFormats, HumanShowsMarksDistancesAndPathsLast) {
  EXPECT_EQ(printed(OutputFormat::kHuman, {example()}),
            "group 1: 3 files, 1.3 MB reclaimable, distance up to 7; keep: most pixels\n"
            "  + keep      0  4032x3024  jpeg  1.2 MB  /p/a.jpg\n"
            "  = exact     0  4032x3024  jpeg  1.2 MB  /p/copy of a.jpg\n"
            "  ~ near      7    800x600  jpeg   90 kB  /p/small.jpg\n"
            "\n"
            "1 group, 2 redundant files, 1.3 MB reclaimable\n");
}

TEST(GroupFormats, ColourOnlyAddsEscapes) {
  std::string text = printed(OutputFormat::kHuman, {example()}, true);
  EXPECT_NE(text.find("\x1b["), std::string::npos);
  for (size_t at; (at = text.find('\x1b')) != std::string::npos;) text.erase(at, text.find('m', at) - at + 1);
  EXPECT_EQ(text, printed(OutputFormat::kHuman, {example()}));
}

TEST(GroupFormats, HumanSaysSoWhenThereIsNothing) {
  EXPECT_EQ(printed(OutputFormat::kHuman, {}), "no duplicates found\n");
  EXPECT_EQ(printed(OutputFormat::kFdupes, {}), "");
  EXPECT_EQ(printed(OutputFormat::kNull, {}), "");
}

TEST(GroupFormats, FdupesIsPathsAndEmptyLines) {
  EXPECT_EQ(printed(OutputFormat::kFdupes, {example()}), "/p/a.jpg\n/p/copy of a.jpg\n/p/small.jpg\n\n");
}

TEST(GroupFormats, CsvHasItsHeaderAndARowForEachFile) {
  EXPECT_EQ(
      printed(OutputFormat::kCsv, {example()}),
      "group,rank,keep,match,distance,width,height,format,bytes,mtime,damaged,path,path_encoding\n"
      "g-00000000000000ab,0,1,keep,0,4032,3024,jpeg,1234567,2024-05-01T12:00:00.000000000Z,0,/p/a.jpg,text\n"
      "g-00000000000000ab,1,0,exact,0,4032,3024,jpeg,1234567,2024-05-01T12:00:00.000000000Z,0,/p/copy of a.jpg,text\n"
      "g-00000000000000ab,2,0,near,7,800,600,jpeg,90000,2024-05-01T12:00:00.000000000Z,0,/p/small.jpg,text\n");
}

TEST(GroupFormats, JsonlIsHeaderGroupsSummary) {
  std::vector<nlohmann::json> records;
  std::string text = printed(OutputFormat::kJsonl, {example()});
  for (const auto& group : test::from_grouped(text, '\n'))
    for (const auto& line : group) records.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0]["type"], "header");
  EXPECT_EQ(records[0]["schema"], "pairloom.group/1");
  EXPECT_EQ(records[0]["params"]["distance"], 31);
  EXPECT_EQ(records[1]["type"], "group");
  EXPECT_EQ(records[1]["members"][2]["dist"], 7);
  EXPECT_EQ(records[1]["members"][1]["match"], "exact");
  EXPECT_EQ(records[1]["keep_reason"], "most pixels");
  EXPECT_EQ(records[2], nlohmann::json::parse(R"({"type":"summary","groups":1,"shown":1,"files":3,"redundant":2,
                                                   "reclaim_bytes":1324567,"low_information":0})"));
}

class HostileNames : public ::testing::Test {
 protected:
  HostileNames() {
    for (size_t i = 0; i < names_.size(); i += 2) {
      DuplicateGroup g;
      g.id = "g-" + std::to_string(i);
      for (size_t k = i; k < std::min(i + 2, names_.size()); ++k) {
        want_.push_back("/d/" + names_[k]);
        g.files.push_back(file(want_.back(), static_cast<uint32_t>(k + 1), 0));
      }
      groups_.push_back(g);
    }
  }
  const std::vector<std::string>& names_ = test::hostile_names();
  std::vector<std::string> want_, got_;
  std::vector<DuplicateGroup> groups_;
};

TEST_F(HostileNames, ComeBackFromFdupes) {
  const auto groups = test::from_grouped(printed(OutputFormat::kFdupes, groups_), '\n');
  EXPECT_EQ(groups.size(), groups_.size());
  for (const auto& g : groups)
    for (const auto& line : g) got_.push_back(test::from_line(line));
  EXPECT_EQ(got_, want_);
}

TEST_F(HostileNames, ComeBackFromNull) {
  const auto groups = test::from_grouped(printed(OutputFormat::kNull, groups_), '\0');
  EXPECT_EQ(groups.size(), groups_.size());
  for (const auto& g : groups)
    for (const auto& path : g) got_.push_back(path);
  EXPECT_EQ(got_, want_);
}

TEST_F(HostileNames, ComeBackFromCsv) {
  auto rows = test::from_csv(printed(OutputFormat::kCsv, groups_));
  for (size_t i = 1; i < rows.size(); ++i) got_.push_back(test::from_csv_path(rows[i].at(11), rows[i].at(12)));
  EXPECT_EQ(got_, want_);
}

TEST_F(HostileNames, ComeBackFromJsonl) {
  for (const auto& group : test::from_grouped(printed(OutputFormat::kJsonl, groups_), '\n'))
    for (const auto& line : group) {
      const auto record = nlohmann::json::parse(line);
      if (record["type"] == "group")
        for (const auto& member : record["members"]) got_.push_back(test::from_json_path(member["path"]));
    }
  EXPECT_EQ(got_, want_);
}

TEST_F(HostileNames, CannotTouchTheTerminalInHuman) {
  const std::string text = printed(OutputFormat::kHuman, groups_);
  for (const char c : text) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  EXPECT_EQ(static_cast<size_t>(std::count(text.begin(), text.end(), '\n')), want_.size() + 2 * groups_.size() + 1);
}

}  // namespace
}  // namespace pairloom::cli

// File names that break programs: each goes in, and comes back from every format as it was.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/process/cli_fixture.h"

namespace pairloom {
namespace {

class CliNames : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    const std::string picture = jpeg(9);
    for (const auto& name : test::hostile_names()) {
      if (name == "." || name == "..") continue;
      add(name, picture);
      want_.insert(at(name));
    }
    ASSERT_EQ(run({"index", "add", "-q", pictures_}).status, 0);
  }
  std::set<std::string> want_, got_;
};

TEST_F(CliNames, ComeBackFromEveryFormat) {
  for (const auto& group : test::from_grouped(run({"dups", "-o", "null"}).out, '\0'))
    got_.insert(group.begin(), group.end());
  EXPECT_EQ(got_, want_);
  got_.clear();
  for (const auto& group : test::from_grouped(run({"dups", "-o", "fdupes"}).out, '\n'))
    for (const auto& line : group) got_.insert(test::from_line(line));
  EXPECT_EQ(got_, want_);
  got_.clear();
  auto rows = test::from_csv(run({"dups", "-o", "csv"}).out);
  for (size_t i = 1; i < rows.size(); ++i) got_.insert(test::from_csv_path(rows[i].at(11), rows[i].at(12)));
  EXPECT_EQ(got_, want_);
  got_.clear();
  for (const auto& record : records(run({"dups", "-o", "jsonl"}).out))
    if (record["type"] == "group")
      for (const auto& member : record["members"]) got_.insert(test::from_json_path(member["path"]));
  EXPECT_EQ(got_, want_);
}

TEST_F(CliNames, ComeBackFromExportAndMatch) {
  for (const auto& record : records(run({"index", "export"}).out))
    if (record["type"] == "image") got_.insert(test::from_json_path(record["path"]));
  EXPECT_EQ(got_, want_);
  got_.clear();
  const auto rows = test::from_csv(run({"index", "export", "-o", "csv"}).out);
  for (size_t i = 1; i < rows.size(); ++i) got_.insert(test::from_csv_path(rows[i].at(0), rows[i].at(1)));
  EXPECT_EQ(got_, want_);
  for (const auto& name : test::hostile_names()) {
    const auto r = run({"match", "-o", "null", "--", at(name)});
    EXPECT_EQ(r.status, 0) << name << r.err;
    EXPECT_EQ(test::from_grouped(r.out, '\0').at(0).size(), want_.size()) << name;
  }
}

TEST_F(CliNames, GoInByArgumentAndByList) {
  std::string list;
  for (const auto& path : want_) list += path + '\0';
  const auto r = run({"-i", dir_ / "other.db", "scan", "-q", "-0", "--files-from", "-", "-o", "null"}, list);
  EXPECT_EQ(r.status, 0) << r.err;
  for (const auto& group : test::from_grouped(r.out, '\0')) got_.insert(group.begin(), group.end());
  EXPECT_EQ(got_, want_);
  for (const auto& path : want_) EXPECT_EQ(run({"cmp", path, at("plain.jpg")}).status, 0) << path;
  EXPECT_EQ(shell("cd \"$2\" && \"$1\" cmp -- -leading-dash.jpg '[a,b]'").status, 0);
}

TEST_F(Cli, ListsFromStandardInputByLine) {
  add_families();
  const auto r = run({"scan", "--files-from", "-", "-o", "null"}, at("b.jpg") + "\n" + at("b.png") + "\n");
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(as_sets(test::from_grouped(r.out, '\0')), (Groups{{at("b.jpg"), at("b.png")}}));
}

}  // namespace
}  // namespace pairloom

// NewImages: what the writer has taken and SQLite has not: images that are new to the index, in files that are new as far
// as anybody knows. They gather, and go in by the thousand, in one statement for each table, while the next ones gather.
// Private to index/writer_*.cpp and index_writer.cpp. Runs in: supervisor.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "index/encoding.h"
#include "index/row_table.h"
#include "index/rows.h"

namespace pairloom::index {

// A row of `content` and one of `file`.
struct NewImage {
  ContentId content;
  DirectoryId directory;
  std::string name;
  StatIdentity identity;
  StoredBytes digest;
  ImageInfo image;
  std::string warning;
  Coverage coverage;
  RunId run;
  uint32_t worker_slot;
  int64_t elapsed_us;
};

// A row of `code`.
struct NewCode {
  ContentId content;
  Algorithm algorithm;
  uint64_t position;
  StoredBytes code;
  uint8_t flags;
};

class NewImages {
 public:
  NewImages();

  void add(NewImage image);
  void add(const NewCode& code) { gathered_.codes.push_back(code); }
  const std::vector<NewImage>& gathered() const { return gathered_.images; }
  // All that have gathered are on their way from here on. To be called when none are.
  void send_off() { std::swap(gathered_, under_way_); }
  const std::vector<NewImage>& under_way() const { return under_way_.images; }
  void forget_under_way() { under_way_.clear(); }
  bool any_in(DirectoryId directory) const { return gathered_.any_in(directory) || under_way_.any_in(directory); }
  void clear();

  // Lets SQL read them: new_content, new_file and new_code. To be called once, by a Database that ends before this.
  Result<> add_tables_to(Database& database);
  // Inserts those under way into that database. Touches none that gather.
  Result<> insert_into(Database& database);
  // Of those that were inserted last: false if some of their files were in the database already; they are as they were.
  bool all_were_new() const { return all_were_new_; }

 private:
  struct Rows {
    std::vector<NewImage> images;
    std::vector<NewCode> codes;
    std::vector<DirectoryId> directories;  // of the images, one for many that follow each other
    bool any_in(DirectoryId directory) const { return std::ranges::find(directories, directory) != directories.end(); }
    void clear();
  };
  Rows gathered_, under_way_;
  bool all_were_new_ = true;
  RowTable<NewImage> contents_table_, files_table_;
  RowTable<NewCode> codes_table_;
};

}  // namespace pairloom::index

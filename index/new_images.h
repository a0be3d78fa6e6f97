// NewImages: what the writer has taken and not handed to SQLite yet: images that are new to the index, in files that are
// new as far as anybody knows. They go in by the hundred, in one statement for each table. Private to index/writer_*.cpp
// and index_writer.cpp. Runs in: supervisor.
#pragma once

#include <cstdint>
#include <string>
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

  void add(NewImage image) { images_.push_back(std::move(image)); }
  void add(const NewCode& code) { codes_.push_back(code); }
  void clear();
  const std::vector<NewImage>& images() const { return images_; }

  // Lets SQL read them: new_content, new_file and new_code. To be called once, by a Database that ends before this.
  Result<> add_tables_to(Database& database);
  // Inserts all into that database. False: some files were in it already, and are as they were.
  Result<bool> insert_into(Database& database);

 private:
  std::vector<NewImage> images_;
  std::vector<NewCode> codes_;
  RowTable<NewImage> contents_table_, files_table_;
  RowTable<NewCode> codes_table_;
};

}  // namespace pairloom::index

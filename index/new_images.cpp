#include "index/new_images.h"

namespace pairloom::index {
namespace {

constexpr RowTable<NewImage>::Column kContentColumns[] = {
    {"id", [](const NewImage& i) { return number(i.content); }},
    {"digest", [](const NewImage& i) -> RowSource::Value { return Blob{i.digest.view()}; }},
    {"size", [](const NewImage& i) { return number(i.identity.size_bytes); }},
    {"format", [](const NewImage& i) { return number(i.image.format); }},
    {"width", [](const NewImage& i) { return number(i.image.width_px); }},
    {"height", [](const NewImage& i) { return number(i.image.height_px); }},
    {"orientation", [](const NewImage& i) { return number(i.image.orientation); }},
    {"quality", [](const NewImage& i) { return number(i.image.quality); }},
    {"reduction", [](const NewImage& i) { return number(i.image.reduction); }},
    {"animated", [](const NewImage& i) { return number(i.image.animated); }},
    {"alpha", [](const NewImage& i) { return number(i.image.has_alpha); }},
    {"damaged", [](const NewImage& i) { return number(i.image.damaged); }},
    {"warning", [](const NewImage& i) -> RowSource::Value { return Text{i.warning}; }},
    {"algorithms", [](const NewImage& i) { return number(i.coverage.any); }},
    {"algorithms_default", [](const NewImage& i) { return number(i.coverage.at_least_default); }},
    {"algorithms_full", [](const NewImage& i) { return number(i.coverage.full); }},
    {"first_run", [](const NewImage& i) { return number(i.run); }},
    {"worker_slot", [](const NewImage& i) { return number(i.worker_slot); }},
    {"elapsed_us", [](const NewImage& i) { return number(i.elapsed_us); }},
};

constexpr RowTable<NewImage>::Column kFileColumns[] = {
    {"directory", [](const NewImage& i) { return number(i.directory); }},
    {"name", [](const NewImage& i) -> RowSource::Value { return Blob{i.name}; }},
    {"inode", [](const NewImage& i) { return number(i.identity.inode); }},
    {"size", [](const NewImage& i) { return number(i.identity.size_bytes); }},
    {"mtime_ns", [](const NewImage& i) { return number(i.identity.mtime_ns); }},
    {"ctime_ns", [](const NewImage& i) { return number(i.identity.ctime_ns); }},
    {"content", [](const NewImage& i) { return number(i.content); }},
    {"run", [](const NewImage& i) { return number(i.run); }},
};

constexpr RowTable<NewCode>::Column kCodeColumns[] = {
    {"content", [](const NewCode& c) { return number(c.content); }},
    {"algorithm", [](const NewCode& c) { return number(c.algorithm); }},
    {"position", [](const NewCode& c) { return number(c.position); }},
    {"code", [](const NewCode& c) -> RowSource::Value { return Blob{c.code.view()}; }},
    {"flags", [](const NewCode& c) { return number(c.flags); }},
};

}  // namespace

NewImages::NewImages()
    : contents_table_(kContentColumns), files_table_(kFileColumns), codes_table_(kCodeColumns) {}

void NewImages::Rows::clear() {
  images.clear();
  codes.clear();
  directories.clear();
}

void NewImages::add(NewImage image) {
  if (gathered_.directories.empty() || gathered_.directories.back() != image.directory)
    gathered_.directories.push_back(image.directory);
  gathered_.images.push_back(std::move(image));
}

void NewImages::clear() {
  gathered_.clear();
  under_way_.clear();
}

Result<> NewImages::add_tables_to(Database& database) {
  PAIRLOOM_TRY(database.add_table_of("new_content", contents_table_));
  PAIRLOOM_TRY(database.add_table_of("new_file", files_table_));
  return database.add_table_of("new_code", codes_table_);
}

Result<> NewImages::insert_into(Database& database) {
  contents_table_.rows = files_table_.rows = under_way_.images;
  codes_table_.rows = under_way_.codes;
  // OR ROLLBACK: whatever goes wrong here ends the whole transaction, so that SQLite need not keep what a statement changes
  // as it was before. All columns, and in their order, or SQLite copies each value once more.
  PAIRLOOM_TRY(database.run(
      "INSERT OR ROLLBACK INTO content (id, digest, size, format, width, height, orientation, quality, reduction, animated, "
      "alpha, damaged, warning, algorithms, algorithms_default, algorithms_full, live_files, first_run, worker_slot, elapsed_us) "
      "SELECT id, digest, size, format, width, height, orientation, quality, reduction, animated, alpha, damaged, warning, "
      "algorithms, algorithms_default, algorithms_full, 1, first_run, worker_slot, elapsed_us FROM new_content"));
  PAIRLOOM_TRY(
      database.run("INSERT OR ROLLBACK INTO code (content, algorithm, position, code, flags) SELECT * FROM new_code"));
  PAIRLOOM_TRY(database.run(
      "INSERT OR ROLLBACK INTO file (directory, name, inode, size, mtime_ns, ctime_ns, outcome, content, attempts, "
      "program_version, run, gone_run) SELECT directory, name, inode, size, mtime_ns, ctime_ns, 0, content, 0, 0, run, NULL "
      "FROM new_file WHERE true ON CONFLICT (directory, name) DO NOTHING"));
  all_were_new_ = database.changes() == static_cast<int64_t>(under_way_.images.size());
  return {};
}

}  // namespace pairloom::index

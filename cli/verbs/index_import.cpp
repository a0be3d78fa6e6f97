// pairloom index import: rows that index export wrote, into an index, without opening an image.
#include "cli/verbs/index_import.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <utility>

#include "base/text.h"
#include "cli/file_selection.h"
#include "cli/image_record.h"
#include "cli/npy_rows.h"
#include "cli/path_parsing.h"
#include "cli/path_text.h"
#include "index/index_writer.h"

namespace pairloom::cli {
namespace {

constexpr uint64_t kRowsACommit = 4096;

// Lines of a file, of any length and content.
class LineReader {
 public:
  static Result<LineReader> open(const std::string& path) {
    FileSelection list;
    list.files_from = path;
    PAIRLOOM_ASSIGN(Fd fd, open_list(list));
    LineReader reader;
    reader.file_ = ::fdopen(fd.get(), "r");
    if (reader.file_ == nullptr) return fail_errno(fmt::format("cannot open '{}'", escape_for_terminal(path)), errno);
    static_cast<void>(fd.release());
    return reader;
  }
  LineReader(LineReader&& other) noexcept
      : file_(std::exchange(other.file_, nullptr)), buffer_(std::exchange(other.buffer_, nullptr)), size_(other.size_) {}
  LineReader& operator=(LineReader&&) = delete;
  ~LineReader() {
    if (file_ != nullptr) std::fclose(file_);
    std::free(buffer_);
  }
  // Without its newline. Empty at the end; an error shows as the end too, and failed() then.
  std::optional<std::string> next() {
    const ssize_t length = ::getline(&buffer_, &size_, file_);
    if (length < 0) return std::nullopt;
    ++number_;
    std::string line(buffer_, static_cast<size_t>(length));
    if (line.ends_with('\n')) line.pop_back();
    return line;
  }
  bool failed() const { return std::ferror(file_) != 0; }
  uint64_t number() const { return number_; }

 private:
  LineReader() = default;
  std::FILE* file_ = nullptr;
  char* buffer_ = nullptr;
  size_t size_ = 0;
  uint64_t number_ = 0;
};

class Import {
 public:
  Import(index::IndexWriter& index, index::RunId run) : index_(index), run_(run) {}

  Result<> add(const ImageRecord& image) {
    const size_t slash = image.path.rfind('/');
    const std::string directory = slash == 0 ? "/" : image.path.substr(0, slash);
    if (directory != directory_) {
      PAIRLOOM_ASSIGN(const auto known, index_.directory(directory, 0));
      directory_ = directory;
      directory_id_ = known.id;
    }
    index::FileResult result;
    result.directory = directory_id_;
    result.name = image.path.substr(slash + 1);
    result.identity = image.identity;
    result.message = image.content.warning;
    result.digest = image.content.digest;
    result.image = image.content.image;
    result.accuracy = image.content.accuracy;
    for (const auto& [algorithm, code] : image.codes) result.codes.push_back({algorithm, code});
    PAIRLOOM_TRY(index_.put(run_, std::move(result)));
    if (++rows_ % kRowsACommit == 0) PAIRLOOM_TRY(index_.commit());
    return {};
  }
  // The directories that index update looks at.
  Result<> add_roots(const std::string& line) {
    const Json header = Json::parse(line, nullptr, false);
    if (!header.is_object() || header.value("type", Json()) != "header" || !header.contains("roots")) return {};
    for (const auto& root : header["roots"])
      if (const auto path = path_from_json(root); path && path->starts_with('/')) PAIRLOOM_TRY(index_.note_root(*path, 0));
    return {};
  }
  uint64_t rows() const { return rows_; }

 private:
  index::IndexWriter& index_;
  index::RunId run_;
  std::string directory_;
  index::DirectoryId directory_id_ = 0;
  uint64_t rows_ = 0;
};

Error at_line(const LineReader& lines, const std::string& name, const Error& error, uint64_t rows) {
  return {error.code, fmt::format("line {} of '{}': {}; the {} rows before it are imported", lines.number(),
                                  escape_for_terminal(name), error.message, rows)};
}

// `complete` adds what the lines themselves do not hold.
Result<> import_jsonl(LineReader& lines, std::optional<std::string> line, const std::string& name, Import& import,
                      const std::function<Result<>(ImageRecord&)>& complete) {
  for (; line; line = lines.next()) {
    if (line->empty()) continue;
    auto image = image_from_json(*line);
    if (image && *image && complete)
      if (auto done = complete(**image); !done) image = tl::unexpected(done.error());
    if (!image) return tl::unexpected(at_line(lines, name, image.error(), import.rows()));
    PAIRLOOM_TRY(*image ? import.add(**image) : import.add_roots(*line));
  }
  if (lines.failed()) return fail_errno(fmt::format("cannot read '{}'", escape_for_terminal(name)), errno);
  return {};
}

Result<> import_csv(LineReader& lines, const std::string& first, const std::string& name, Import& import) {
  const auto columns = parse_csv_row(first);
  if (!columns || columns->front() != "path")
    return fail(Errc::kInvalidArgument, fmt::format("'{}' is not what index export writes: neither JSON lines nor CSV with "
                                                    "a column 'path' first",
                                                    escape_for_terminal(name)));
  while (auto line = lines.next()) {
    auto fields = parse_csv_row(*line);
    while (!fields) {  // a line break within quotes
      const auto more = lines.next();
      if (!more) break;
      *line += "\n" + *more;
      fields = parse_csv_row(*line);
    }
    auto image = fields ? image_from_csv(*columns, *fields) : fail(Errc::kInvalidArgument, "quotes are open at the end");
    if (!image) return tl::unexpected(at_line(lines, name, image.error(), import.rows()));
    PAIRLOOM_TRY(import.add(*image));
  }
  if (lines.failed()) return fail_errno(fmt::format("cannot read '{}'", escape_for_terminal(name)), errno);
  return {};
}

// What `index export -o npy --to DIR` makes.
Result<> import_npy(const std::string& directory, Import& import) {
  struct Array {
    Algorithm algorithm;
    NpyRows rows;
  };
  std::vector<Array> arrays;
  for (const AlgorithmInfo& a : algorithms()) {
    PAIRLOOM_ASSIGN(auto rows, NpyRows::open(fmt::format("{}/{}.npy", directory, a.name), a.bits / 8u));
    if (rows) arrays.push_back({a.id, std::move(*rows)});
  }
  const std::string name = directory + "/images.jsonl";
  PAIRLOOM_ASSIGN(auto lines, LineReader::open(name));
  const auto complete = [&](ImageRecord& image) -> Result<> {
    for (Array& array : arrays) {
      std::array<std::byte, 32> bytes{};
      const size_t size = info(array.algorithm).bits / 8u;
      PAIRLOOM_TRY(array.rows.next(std::span(bytes).first(size)));
      if (std::find(image.lacks.begin(), image.lacks.end(), array.algorithm) != image.lacks.end()) continue;
      Code code;
      for (size_t b = 0; b < size; ++b)
        code.words[(size - 1 - b) / 8] |= static_cast<uint64_t>(bytes[b]) << ((size - 1 - b) % 8 * 8);
      image.codes[array.algorithm] = code;
    }
    return {};
  };
  auto first = lines.next();
  return import_jsonl(lines, std::move(first), name, import, complete);
}

Result<> import_one(const std::string& source, Import& import) {
  struct stat about {};
  if (::stat(source.c_str(), &about) == 0 && S_ISDIR(about.st_mode)) return import_npy(source, import);
  PAIRLOOM_ASSIGN(auto lines, LineReader::open(source));
  auto first = lines.next();
  if (first && !first->starts_with('{')) return import_csv(lines, *first, source, import);
  return import_jsonl(lines, std::move(first), source, import, nullptr);
}

Result<ExitCode> import_images(const std::vector<std::string>& sources, Session& session) {
  if (sources.empty())
    return fail(Errc::kInvalidArgument, "name what index export wrote: a file, a directory of arrays, or - for standard input");
  PAIRLOOM_ASSIGN(auto index, index::IndexWriter::open(session.index, "pairloom index import"));
  PAIRLOOM_ASSIGN(const auto run, index.begin_run(index::RunKind::kAdd, session.arguments));
  Import import(index, run);
  Result<> done;
  for (const auto& source : sources)
    if (done) done = import_one(source, import);
  index::RunTotals totals;
  totals.seen = totals.indexed = import.rows();
  totals.interrupted = !done;
  PAIRLOOM_TRY(index.finish_run(run, totals, {}));
  PAIRLOOM_TRY(done);
  session.messages.note(fmt::format("{} images imported; no file was opened", import.rows()));
  session.messages.hint("pairloom index update looks at the files and finds the pairs");
  return ExitCode::kDone;
}

}  // namespace

Action declare_index_import(CLI::App& app) {
  auto sources = std::make_shared<std::vector<std::string>>();
  add_paths(app, "SOURCE", *sources, "A file that index export wrote, with --codes; or the directory of its -o npy; or -");
  return [sources](Session& session) { return import_images(*sources, session); };
}

}  // namespace pairloom::cli

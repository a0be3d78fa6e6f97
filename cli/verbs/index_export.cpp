// pairloom index export, index failures: the index as rows for other programs.
#include <fcntl.h>
#include <fmt/format.h>
#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/fd.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/image_record.h"
#include "cli/npy_file.h"
#include "cli/path_text.h"
#include "cli/verb.h"
#include "index/index_reader.h"

namespace pairloom::cli {
namespace {

enum class ExportFormat { kJsonl, kCsv, kNpy };

struct ExportOptions {
  ExportFormat format = ExportFormat::kJsonl;
  bool codes = false;
  std::string directory;  // of npy
};

// Where images go: a text on standard output, or arrays in a directory.
class Exporter {
 public:
  static Result<Exporter> start(const ExportOptions& options, std::vector<Algorithm> algorithms,
                                const std::vector<index::RootRow>& roots, Session& session) {
    Exporter exporter(options, std::move(algorithms), session);
    Json header = {{"type", "header"},
                   {"schema", "pairloom.image/1"},
                   {"version", kVersion},
                   {"index", json_path(session.index)},
                   {"roots", Json::array()}};
    for (const auto& root : roots) header["roots"].push_back(json_path(root.path));
    if (options.format == ExportFormat::kJsonl) session.out.write(json_line(header));
    if (options.format == ExportFormat::kCsv) session.out.write(csv_head(exporter.algorithms_));
    if (options.format != ExportFormat::kNpy) return exporter;
    std::error_code error;
    std::filesystem::create_directories(options.directory, error);
    if (error)
      return fail(Errc::kIo, fmt::format("cannot make '{}': {}", escape_for_terminal(options.directory), error.message()));
    const std::string list = options.directory + "/images.jsonl";
    exporter.list_file_ = Fd(::open(list.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (!exporter.list_file_) return fail_errno(fmt::format("cannot write '{}'", escape_for_terminal(list)), errno);
    exporter.list_ = std::make_unique<Output>(exporter.list_file_.get());
    exporter.list_->write(json_line(header));
    for (const auto algorithm : exporter.algorithms_) {
      PAIRLOOM_ASSIGN(auto array, NpyFile::create(fmt::format("{}/{}.npy", options.directory, info(algorithm).name), "|u1",
                                                  info(algorithm).bits / 8u));
      exporter.arrays_.push_back(std::move(array));
    }
    return exporter;
  }

  Result<> add(const ImageRecord& image) {
    if (options_->format == ExportFormat::kJsonl) session_->out.write(json_row(image, algorithms_));
    if (options_->format == ExportFormat::kCsv) session_->out.write(csv_line(image, algorithms_));
    if (options_->format != ExportFormat::kNpy) return {};
    ImageRecord listed = image;
    for (const auto algorithm : algorithms_)
      if (!image.codes.contains(algorithm)) listed.lacks.push_back(algorithm);
    list_->write(json_row(listed, {}));
    for (size_t i = 0; i < algorithms_.size(); ++i) {
      const auto found = image.codes.find(algorithms_[i]);
      const Code code = found == image.codes.end() ? Code{} : found->second;
      std::array<std::byte, 32> bytes{};
      const size_t size = info(algorithms_[i]).bits / 8u;
      for (size_t b = 0; b < size; ++b)
        bytes[b] = static_cast<std::byte>(code.words[(size - 1 - b) / 8] >> ((size - 1 - b) % 8 * 8));
      PAIRLOOM_TRY(arrays_[i].append(std::span(bytes).first(size), 1));
    }
    return {};
  }

  Result<> finish() {
    for (auto& array : arrays_) PAIRLOOM_TRY(array.finish());
    return list_ ? list_->finish() : Result<>();
  }

 private:
  Exporter(const ExportOptions& options, std::vector<Algorithm> algorithms, Session& session)
      : options_(&options), algorithms_(std::move(algorithms)), session_(&session) {}
  const ExportOptions* options_;
  std::vector<Algorithm> algorithms_;
  Session* session_;
  Fd list_file_;
  std::unique_ptr<Output> list_;
  std::vector<NpyFile> arrays_;
};

Result<ExitCode> export_images(const ExportOptions& options, Session& session) {
  const bool npy = options.format == ExportFormat::kNpy;
  if (npy && options.directory.empty())
    return fail(Errc::kInvalidArgument, "-o npy makes several files: say with --to DIR where");
  if (!npy && !options.directory.empty()) return fail(Errc::kInvalidArgument, "--to DIR goes with -o npy");
  PAIRLOOM_ASSIGN(auto reader, index::IndexReader::open(session.index));
  std::vector<Algorithm> algorithms;
  if (options.codes || npy) {
    PAIRLOOM_ASSIGN(const auto about, reader.info());
    for (const auto& a : about.algorithms)
      if (a.codes > 0) algorithms.push_back(a.algorithm);
  }
  PAIRLOOM_ASSIGN(const auto roots, reader.roots());
  PAIRLOOM_ASSIGN(auto exporter, Exporter::start(options, algorithms, roots, session));
  bool interrupted = false;
  auto visited = reader.visit_files([&](const index::FileRow& file) -> Result<> {
    if (file.outcome != Outcome::kIndexed || file.content == 0) return {};
    PAIRLOOM_ASSIGN(const auto content, reader.content(file.content));
    if (!content) return {};
    ImageRecord image{file.path, file.identity, *content, {}, {}};
    for (const auto algorithm : algorithms) {
      PAIRLOOM_ASSIGN(const auto code, reader.code(file.content, algorithm));
      if (code) image.codes[algorithm] = *code;
    }
    PAIRLOOM_TRY(exporter.add(image));
    interrupted = !session.out.usable();
    return interrupted ? Result<>(fail(Errc::kIo, "standard output")) : Result<>();
  });
  if (!visited && !interrupted) return tl::unexpected<Error>(std::move(visited).error());
  PAIRLOOM_TRY(exporter.finish());
  return ExitCode::kDone;
}

std::string version_text(uint32_t number) {
  return fmt::format("{}.{}.{}", number / 10000, number / 100 % 100, number % 100);
}

// What helps to tell a decoder's maintainers: only of files that cost workers their lives.
std::string circumstances(const index::FailureRow& failure) {
  if (failure.outcome != Outcome::kCrashed && failure.outcome != Outcome::kTimedOut) return "";
  return fmt::format(" [{}pairloom {}]", failure.decoder.empty() ? "" : escape_for_terminal(failure.decoder) + ", ",
                     version_text(failure.program_version));
}

std::string failure_record(OutputFormat format, const index::FailureRow& failure) {
  switch (format) {
    case OutputFormat::kHuman:
      return fmt::format("{:<12} {}: {}{}\n", name_of(failure.outcome), escape_for_terminal(failure.path),
                         escape_for_terminal(failure.message), circumstances(failure));
    case OutputFormat::kFdupes:
      return line_path(failure.path) + "\n";
    case OutputFormat::kNull:
      return failure.path + '\0';
    case OutputFormat::kCsv: {
      const auto path = csv_path(failure.path);
      return csv_row({name_of(failure.outcome), failure.message, std::to_string(failure.attempts), path.path,
                      path.encoding, std::to_string(failure.signal), failure.decoder,
                      version_text(failure.program_version)});
    }
    case OutputFormat::kJsonl:
      return json_line({{"type", "failure"},
                        {"path", json_path(failure.path)},
                        {"outcome", name_of(failure.outcome)},
                        {"message", failure.message},
                        {"attempts", failure.attempts},
                        {"signal", failure.signal},
                        {"decoder", failure.decoder},
                        {"program_version", version_text(failure.program_version)}});
  }
  return "";
}

Result<ExitCode> failures(OutputFormat format, Session& session) {
  PAIRLOOM_ASSIGN(auto reader, index::IndexReader::open(session.index));
  if (format == OutputFormat::kCsv)
    session.out.write(csv_row({"outcome", "message", "attempts", "path", "path_encoding", "signal", "decoder", "program_version"}));
  uint64_t count = 0;
  PAIRLOOM_TRY(reader.visit_failures([&](const index::FailureRow& failure) -> Result<> {
    ++count;
    session.out.write(failure_record(format, failure));
    return {};
  }));
  if (format == OutputFormat::kHuman) {
    if (count == 0)
      session.messages.note("no failures");
    else
      session.messages.hint("pairloom index retry looks at them again");
  }
  return ExitCode::kDone;
}

}  // namespace

Action declare_index_export(CLI::App& app) {
  auto options = std::make_shared<ExportOptions>();
  add_choice<ExportFormat>(app, "-o,--output", options->format,
                           {{"jsonl", ExportFormat::kJsonl}, {"csv", ExportFormat::kCsv}, {"npy", ExportFormat::kNpy}},
                           "FORMAT", "Format of the results; npy: the codes as NumPy arrays of bytes, with a list of the "
                           "images")
      ->group("Output");
  add_text(app, "--to", options->directory, "DIR", "Where -o npy puts its files; made if it is not there")
      ->group("Output");
  app.add_flag("--codes", options->codes, "With the codes, as hexadecimal text")->group("Output");
  return [options](Session& session) { return export_images(*options, session); };
}

Action declare_index_failures(CLI::App& app) {
  auto format = std::make_shared<OutputFormat>(OutputFormat::kHuman);
  add_output_option(app, *format,
                    {OutputFormat::kHuman, OutputFormat::kJsonl, OutputFormat::kCsv, OutputFormat::kNull});
  return [format](Session& session) { return failures(*format, session); };
}

}  // namespace pairloom::cli

// pairloom doctor: what this machine and this installation have, what is missing, and how to mend it.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cstdlib>

#include "base/fd.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/path_text.h"
#include "cli/verb.h"
#include "index/index_reader.h"
#include "search/hamming_scan.h"

extern char** environ;

namespace pairloom::cli {
namespace {

enum class Health { kGood, kWarning, kBad };

struct Finding {
  Health health;
  std::string subject;
  std::string text;
  std::string fix;  // what to type or do; empty when all is well
};

std::string_view word(Health health) {
  static constexpr std::string_view kWords[] = {"ok", "warning", "bad"};
  return kWords[static_cast<size_t>(health)];
}

// What a program prints; kIo when it cannot be started or fails.
Result<std::string> output_of(const std::string& program, const std::string& argument) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("cannot make a pipe", errno);
  Fd read_end(ends[0]), write_end(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
  std::string name = program, option = argument;
  char* arguments[] = {name.data(), option.data(), nullptr};
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail_errno(fmt::format("cannot start '{}'", escape_for_terminal(program)), error);
  write_end.reset();
  std::string text(64 * 1024, '\0');
  const auto size = read_up_to(read_end.get(), text.data(), text.size(), "the worker's answer");
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!size) return tl::unexpected<Error>(size.error());
  if (status != 0) return fail(Errc::kIo, fmt::format("'{} {}' failed", escape_for_terminal(program), argument));
  text.resize(*size);
  return text;
}

void look_at_processor(std::vector<Finding>& findings) {
  const auto cores = daemon::usable_physical_cores();
  std::string text = fmt::format("{} physical, {} logical usable by this process; {} workers", cores.physical,
                                 cores.logical, cores.cpus.size());
  if (cores.cgroup_limit > 0) text += fmt::format("; cgroup allows {:.3g} CPUs", cores.cgroup_limit);
  const bool throttled = cores.cgroup_limit > 0 && cores.cgroup_limit < static_cast<double>(cores.cpus.size());
  findings.push_back({throttled ? Health::kWarning : Health::kGood, "cores", text,
                      throttled ? "raise cpu.max of the cgroup, or use fewer workers with --jobs" : ""});
  std::string kernels;
  for (const auto kernel : search::available_kernels())
    kernels += fmt::format("{}{}", kernels.empty() ? "" : ", ", search::name_of(kernel));
  const bool slow = search::best_kernel() == search::Kernel::kPortable;
  findings.push_back(
      {Health::kGood, "search",
       fmt::format("{} kernel (of {}){}", search::name_of(search::best_kernel()), kernels,
                   slow ? "; this CPU has neither AVX2 nor AVX-512 VPOPCNTDQ: searches take longer" : ""),
       ""});
}

// The first line of the worker's answer is its level, each other line a misdeed it tried in the sandbox.
void look_at_sandbox(const std::string& subject, const std::string& program, std::vector<Finding>& findings) {
  const auto answer = output_of(program, "--sandbox");
  if (!answer) {
    findings.push_back({Health::kBad, subject, answer.error().message,
                        fmt::format("run it by hand: {} --sandbox", escape_for_terminal(program))});
    return;
  }
  std::vector<std::string_view> lines;
  for (std::string_view rest = *answer; !rest.empty();) {
    lines.push_back(rest.substr(0, rest.find('\n')));
    rest.remove_prefix(std::min(lines.back().size() + 1, rest.size()));
  }
  const auto level = lines.empty() ? std::string_view() : lines.front().substr(lines.front().find('\t') + 1);
  std::string possible;
  for (const auto line : lines)
    if (line.starts_with("possible\t"))
      possible += fmt::format("{}{}", possible.empty() ? "" : ", ", line.substr(9, line.find('\t', 9) - 9));
  const bool complete = level == "complete" && possible.empty();
  findings.push_back({complete ? Health::kGood : Health::kWarning, subject,
                      fmt::format("{}{}{}", escape_for_terminal(level),
                                  possible.empty() ? "; every misdeed tried in it was prevented" : "; a worker still: ",
                                  escape_for_terminal(possible)),
                      complete ? ""
                               : "wants Linux 5.13 or newer with landlock (kernel parameter lsm=) and seccomp, and a "
                                 "container that does not forbid them"});
}

// Of the two, that for keypoints and features: all else goes on without it.
void look_at_opencv_worker(std::vector<Finding>& findings) {
  const auto program = daemon::find_worker_program({}, jobs::WorkerKind::kOpenCv);
  if (!program) {
    findings.push_back({Health::kWarning, "worker opencv", program.error().message,
                        "'match --method' and 'extract' need it: install the package again"});
    return;
  }
  findings.push_back({Health::kGood, "worker opencv", escape_for_terminal(*program), ""});
  look_at_sandbox("sandbox opencv", *program, findings);
}

void look_at_worker(std::vector<Finding>& findings) {
  const auto program = daemon::find_worker_program({}, jobs::WorkerKind::kPlain);
  if (!program) {
    findings.push_back({Health::kBad, "worker", program.error().message,
                        "put pairloom-worker beside pairloom, or install the package again"});
    return;
  }
  findings.push_back({Health::kGood, "worker", escape_for_terminal(*program), ""});
  const auto decoders = output_of(*program, "--decoders");
  if (!decoders) {
    findings.push_back({Health::kBad, "decoders", decoders.error().message,
                        fmt::format("run it by hand: {} --decoders", escape_for_terminal(*program))});
    return;
  }
  look_at_sandbox("sandbox", *program, findings);
  std::string_view rest = *decoders;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const size_t tab = line.find('\t');
    if (tab == std::string_view::npos) continue;
    const auto library = line.substr(tab + 1);
    const bool missing = library.starts_with("missing");
    findings.push_back({missing ? Health::kWarning : Health::kGood, fmt::format("decoder {}", line.substr(0, tab)),
                        escape_for_terminal(library),
                        missing ? "files of this format are counted as unsupported until then" : ""});
  }
}

// Whether a process writes the index now: its lock file is held (index/writer_lock.h).
bool is_locked(const std::string& index) {
  const Fd fd(::open((index + "-lock").c_str(), O_RDONLY | O_CLOEXEC));
  struct flock whole {};
  whole.l_type = F_RDLCK;
  whole.l_whence = SEEK_SET;
  return fd && ::fcntl(fd.get(), F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

void look_at_space(const std::string& index, std::vector<Finding>& findings) {
  const size_t slash = index.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : index.substr(0, slash + 1);
  struct statvfs space {};
  if (::statvfs(directory.c_str(), &space) != 0) return;  // the directory is made by the first scan
  const uint64_t bytes = uint64_t{space.f_bavail} * space.f_frsize;
  const bool little = bytes < 1'000'000'000;
  findings.push_back(
      {little ? Health::kWarning : Health::kGood, "space",
       fmt::format("{} free where the index is", human_bytes(bytes)),
       little ? "free some, or put the index elsewhere with --index; a million images take about 300 MB" : ""});
}

void look_at_index(const std::string& path, std::vector<Finding>& findings) {
  auto reader = index::IndexReader::open(path);
  if (!reader) {
    const bool missing = reader.error().code == Errc::kIndexMissing;
    findings.push_back({missing ? Health::kWarning : Health::kBad, "index", reader.error().message,
                        missing ? "pairloom scan DIR" : "pairloom index verify"});
    return;
  }
  const auto about = reader->info();
  if (!about) {
    findings.push_back({Health::kBad, "index", about.error().message, "pairloom index verify"});
    return;
  }
  findings.push_back(
      {Health::kGood, "index",
       fmt::format("{}: {} images, {}{}", escape_for_terminal(path), about->files, human_bytes(about->database_bytes),
                   is_locked(path) ? "; a process is writing it now" : ""),
       ""});
  const auto problems = reader->verify();
  if (!problems)
    findings.push_back({Health::kBad, "index check", problems.error().message, "pairloom index verify"});
  else if (!problems->empty())
    findings.push_back({Health::kBad, "index check", escape_for_terminal(problems->front()),
                        "pairloom index rebuild; pictures are untouched"});
  else
    findings.push_back({Health::kGood, "index check", "sound", ""});
  if (about->failures > 0)
    findings.push_back({Health::kWarning, "failures", fmt::format("{} files could not be used", about->failures),
                        "pairloom index failures"});
}

Result<ExitCode> doctor(OutputFormat format, Session& session) {
  std::vector<Finding> findings;
  findings.push_back({Health::kGood, "version", fmt::format("pairloom {}", kVersion), ""});
  look_at_processor(findings);
  look_at_worker(findings);
  look_at_opencv_worker(findings);
  look_at_space(session.index, findings);
  look_at_index(session.index, findings);
  bool bad = false;
  for (const auto& f : findings) {
    bad |= f.health == Health::kBad;
    if (format == OutputFormat::kJsonl) {
      session.out.write(json_line({{"type", "finding"},
                                   {"schema", "pairloom.finding/1"},
                                   {"state", word(f.health)},
                                   {"subject", f.subject},
                                   {"text", f.text},
                                   {"fix", f.fix}}));
      continue;
    }
    const auto& style = session.out_style;
    const std::string mark = fmt::format("{:<8}", word(f.health));
    session.out.write((f.health == Health::kGood      ? style.green(mark)
                       : f.health == Health::kWarning ? style.yellow(mark)
                                                      : style.red(mark)) +
                      fmt::format("{:<14} {}\n", f.subject, f.text));
    if (!f.fix.empty()) session.out.write(fmt::format("{:<22} -> {}\n", "", f.fix));
  }
  return bad ? ExitCode::kFailed : ExitCode::kDone;
}

}  // namespace

Action declare_doctor(CLI::App& app) {
  auto format = std::make_shared<OutputFormat>(OutputFormat::kHuman);
  add_output_option(app, *format, {OutputFormat::kHuman, OutputFormat::kJsonl});
  return [format](Session& session) { return doctor(*format, session); };
}

}  // namespace pairloom::cli

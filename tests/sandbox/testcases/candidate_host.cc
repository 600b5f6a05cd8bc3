// Stands for the zygote, without Python: forks a task child, which forks a candidate child, which loads a hostile
// program (built as a shared object) and calls its main. Arguments: descriptors of the two plans, the shared object,
// and the hostile program's own arguments. Prints how each child ended.
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "sandbox/apply/apply.h"
#include "tests/sandbox/testcases/verdict.h"

namespace {

using MainFn = int (*)(int, char**);

std::string ReadPlan(const char* descriptor) {
  std::string plan(1 << 20, '\0');
  const ssize_t size = pread(atoi(descriptor), plan.data(), plan.size(), 0);
  plan.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return plan;
}

[[noreturn]] void Fail(const pn_apply_error& error) {
  printf("apply failed: %s %s: %s\n", error.step, error.what, strerror(error.error_number));
  fflush(stdout);
  _exit(3);
}

// Runs `then` in a child that is pid 1 of its own namespace behind `plan`, and says how it ended.
template <typename Then>
void RunJailed(const char* who, const std::string& plan, Then then) {
  pn_apply_error error{};
  const int saved = pn_sandbox_save_pid_namespace(&error);
  if (saved < 0 || pn_sandbox_prepare_fork(&error) != 0) Fail(error);
  const pid_t child = fork();
  if (child == 0) {
    if (pn_sandbox_apply(plan.data(), plan.size(), &error) != 0) Fail(error);
    const int code = then();
    fflush(stdout);
    _exit(code);
  }
  if (pn_sandbox_after_fork_parent(saved, &error) != 0) Fail(error);
  int status = 0;
  waitpid(child, &status, 0);
  printf("%s %s %d\n", who, WIFEXITED(status) ? "exited" : "signalled",
         WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
  fflush(stdout);
}

int CallMain(int argc, char** argv) {
  void* library = dlopen(argv[0], RTLD_NOW);
  if (library == nullptr) {
    printf("%s\n", dlerror());
    return 2;
  }
  return reinterpret_cast<MainFn>(dlsym(library, "main"))(argc, argv);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const std::string task = ReadPlan(argv[1]);
  const std::string candidate = ReadPlan(argv[2]);
  RunJailed("task", task, [&] {
    RunJailed("candidate", candidate, [&] { return CallMain(argc - 3, argv + 3); });
    return 0;
  });
  return 0;
}

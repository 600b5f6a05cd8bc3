// passnet: the command line. One file a verb; this one only gathers them.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "cli/verb.h"

int main(int argc, char** argv) {
  CLI::App app("passnet: evaluate compiler passes that language models write, and run campaigns of them.", "passnet");
  app.set_version_flag("--version", std::string("passnet ") + PASSNET_VERSION);
  app.require_subcommand(1);
  app.footer("Examples:\n"
             "  passnet doctor\n"
             "  passnet task list tasks\n"
             "  passnet score validation.log\n"
             "  passnet eval --task tasks/bias_gelu_layernorm --pass my_pass/pass_dir\n"
             "  passnet VERB --help");
  std::function<int()> run;
  passnet::cli::AddTaskVerb(app, &run);
  passnet::cli::AddScoreVerb(app, &run);
  passnet::cli::AddEvalVerb(app, &run);
  passnet::cli::AddBaselineVerb(app, &run);
  passnet::cli::AddDoctorVerb(app, &run);
  passnet::cli::AddCampaignVerb(app, &run);
  passnet::cli::AddConfigVerb(app, &run);
  passnet::cli::AddTrajectoryVerb(app, &run);
  passnet::cli::AddVerifyVerb(app, &run);
  passnet::cli::AddExportVerb(app, &run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11's own codes are above 100; help and version are not mistakes.
    return app.exit(error) == 0 ? passnet::cli::kExitDone : passnet::cli::kExitUsage;
  }
  return run ? run() : passnet::cli::kExitUsage;
}

// passnet: the command line. One file a verb; this one only gathers them.
#include "cli/verb.h"

int main(int argc, char** argv) {
  using namespace passnet::cli;
  const Command passnet{
      .name = "passnet",
      .help = "passnet: evaluate compiler passes that language models write, and run campaigns of them.",
      .footer = "Examples:\n"
                "  passnet doctor\n"
                "  passnet task list tasks\n"
                "  passnet score validation.log\n"
                "  passnet eval --task tasks/bias_gelu_layernorm --pass my_pass/pass_dir\n"
                "  passnet VERB --help",
      .verbs = {TaskVerb(), ScoreVerb(), EvalVerb(), BaselineVerb(), DoctorVerb(), CampaignVerb(), LanesVerb(),
                ConfigVerb(), TrajectoryVerb(), VerifyVerb(), ReplayVerb(), ExportVerb(), PromptsVerb()}};
  return passnet::command_line::Main(passnet, "passnet " PASSNET_VERSION, argc, argv);
}

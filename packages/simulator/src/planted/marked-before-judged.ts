/** docs/architecture.md: second gates. */
import type { Plant } from './plant.js';

export const markedBeforeJudged: Plant = {
  name: 'marked-before-judged',
  says: 'the watermark is raised before the request was judged',
  rule: 'second gates',
  patches: [
    {
      file: 'signer/dist/src/gate/step.js',
      replace: 'const judgement = judge(input, message); // 1',
      by: `const judgement = judge(input, message);
    const early = { kind: 'mark', ticket, hrs: asked.hrs, content: message.content };`,
    },
    {
      file: 'signer/dist/src/gate/step.js',
      replace:
        "return refusal.code === 'CONFLICT' ? answer(refusal, alarm(refusal, asked)) : answer(refusal);",
      by: 'return answer(refusal, early);',
    },
  ],
  budget: 200,
};

import { type ReactNode, useEffect } from 'react';
import type { DashboardShape } from '../core/contract/dashboard.ts';
import { FIRST } from './data/first.ts';
import { LiveEvents, useLive } from './data/live.tsx';
import { useResource } from './data/resource.ts';
import { useLocked } from './data/session.ts';
import { usePlace } from './route/location.ts';
import { Boundary } from './shell/boundary.tsx';
import { Header } from './shell/header.tsx';
import { Navigation } from './shell/navigation.tsx';
import { SignIn } from './shell/sign-in.tsx';
import { Failure, PageSkeleton } from './shell/states.tsx';
import { View } from './shell/view.tsx';
import { Speaking, useWords } from './words/use-words.tsx';

/** The dashboard: what it says, who may see it, what the server tells, and in these the pages. */
export function App(): ReactNode {
  return (
    <Speaking>
      <Session />
    </Speaking>
  );
}

function Session(): ReactNode {
  const locked = useLocked();
  if (locked) return <SignIn />;
  return (
    <LiveEvents>
      <Dashboard />
    </LiveEvents>
  );
}

function Dashboard(): ReactNode {
  const { words, suggest } = useWords();
  const { data, error, retry } = useResource<DashboardShape>(FIRST);
  const { path } = usePlace();
  const release = data?.release ?? null;
  const { connected, show } = useLive();
  useEffect(() => suggest(data?.language), [data, suggest]);
  useEffect(() => {
    if (data !== undefined) show(data.release);
  }, [data, show]);
  return (
    <>
      <a className="skip" href="#main">
        {words.skip_to_content}
      </a>
      <Header dashboard={data} release={release} />
      <Navigation dashboard={data} />
      {data !== undefined && !connected && <Unreachable />}
      <main id="main" tabIndex={-1}>
        <Boundary key={path}>
          {data !== undefined ? (
            <View dashboard={data} />
          ) : error === undefined ? (
            <PageSkeleton />
          ) : (
            <Failure error={error} retry={retry} page />
          )}
        </Boundary>
      </main>
    </>
  );
}

function Unreachable(): ReactNode {
  const { words } = useWords();
  return (
    <p className="banner" role="status">
      <strong>{words.unreachable}.</strong> {words.unreachable_hint}
    </p>
  );
}

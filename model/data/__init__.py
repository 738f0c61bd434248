"""From a file of transactions to arrays, and what is known of them before anything is learnt."""

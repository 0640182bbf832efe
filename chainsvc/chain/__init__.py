"""The chain as the service sees it: contract artifacts, node, signer, ledgers, engines. The only room of web3."""
